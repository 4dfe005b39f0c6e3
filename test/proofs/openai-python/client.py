"""What the official client for Python sees of a service: one JSON line for each case. Arguments: base URL, key."""

import json
import sys

import openai
import pydantic


class Weather(pydantic.BaseModel):
    city: str


url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=url, api_key=key, max_retries=0)
hello = [{"role": "user", "content": "Say hello"}]
schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
tool = {"type": "function", "function": {"name": "weather", "parameters": schema}}


def chat():
    answer = client.chat.completions.create(model="m", messages=hello)
    return {"text": answer.choices[0].message.content, "finish": answer.choices[0].finish_reason, "total": answer.usage.total_tokens}


def stream():
    chunks = list(client.chat.completions.create(model="m", messages=hello, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return {"text": text, "several": len(chunks) > 4, "total": chunks[-1].usage.total_tokens}


def stream_helper():
    with client.chat.completions.stream(model="m", messages=hello) as events:
        for _ in events:
            pass
        return {"text": events.get_final_completion().choices[0].message.content}


def json_schema():
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}}
    answer = client.chat.completions.create(model="json", messages=hello, response_format=form)
    return json.loads(answer.choices[0].message.content)


def tool_named():
    choice = {"type": "function", "function": {"name": "weather"}}
    answer = client.chat.completions.create(model="json", messages=hello, tools=[tool], tool_choice=choice)
    call = answer.choices[0].message.tool_calls[0].function
    return {"name": call.name, "arguments": json.loads(call.arguments), "finish": answer.choices[0].finish_reason}


def tool_chosen():
    asked = {"model": "tools", "messages": hello, "tools": [tool], "tool_choice": "auto", "parallel_tool_calls": True}
    first = client.chat.completions.create(**asked).choices[0]
    with client.chat.completions.stream(**{**asked, "tools": [openai.pydantic_function_tool(Weather, name="weather")]}) as events:
        pieces = sum(event.type == "tool_calls.function.arguments.delta" for event in events)
        streamed = events.get_final_completion().choices[0].message.tool_calls
    results = [{"role": "tool", "tool_call_id": call.id, "content": "7"} for call in first.message.tool_calls]
    after = client.chat.completions.create(**{**asked, "messages": [*hello, first.message, *results]})
    return {
        "calls": [[call.id, call.function.name, json.loads(call.function.arguments)["city"]] for call in first.message.tool_calls],
        "finish": first.finish_reason,
        "in pieces": pieces > 2,
        "parsed": [call.function.parsed_arguments.city for call in streamed],
        "after": after.choices[0].message.content,
    }


def embeddings():
    packed = client.embeddings.create(model="m", input=["a cat", "a dog"])
    plain = client.embeddings.create(model="m", input=["a cat", "a dog"], encoding_format="float")
    same = all(abs(a - b) < 1e-6 for a, b in zip(packed.data[1].embedding, plain.data[1].embedding))
    return {"count": len(packed.data), "size": len(packed.data[0].embedding), "same": same}


def models():
    return {"ids": [model.id for model in client.models.list()], "one": client.models.retrieve("m").id}


def errors():
    seen = {}
    for name, body in {
        "no model": {"model": "other", "messages": hello},
        "no messages": {"model": "m", "messages": []},
        "too hot": {"model": "m", "messages": hello, "temperature": 9},
        "full": {"model": "full", "messages": hello},
    }.items():
        try:
            client.chat.completions.create(**body)
        except openai.APIStatusError as error:
            seen[name] = [type(error).__name__, error.status_code, error.code]
    try:
        openai.OpenAI(base_url=url, api_key="another-key-of-letters", max_retries=0).models.list()
    except openai.APIStatusError as error:
        seen["no key"] = [type(error).__name__, error.status_code, error.code]
    return seen


def broken():
    text = ""
    try:
        for chunk in client.chat.completions.create(model="broken", messages=hello, stream=True):
            text += chunk.choices[0].delta.content or ""
    except openai.APIError as error:
        return {"text": text, "error": type(error).__name__}
    return {"text": text, "error": None}


def abort():
    events = client.chat.completions.create(model="endless", messages=hello, stream=True)
    first = next(event for event in events if event.choices[0].delta.content)
    events.close()
    return {"text": first.choices[0].delta.content}


for case in [chat, stream, stream_helper, json_schema, tool_named, tool_chosen, embeddings, models, errors, broken, abort]:
    print(json.dumps({"case": case.__name__, "saw": case()}), flush=True)
