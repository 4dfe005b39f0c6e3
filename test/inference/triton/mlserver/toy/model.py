# The model of the fixtures: gives back what it is given, as `NAME-out`; refuses numbers below zero.
import numpy as np
from mlserver import MLModel
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.errors import MLServerError
from mlserver.types import InferenceRequest, InferenceResponse


class Echo(MLModel):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        outputs = []
        for one in payload.inputs:
            if one.datatype == "BYTES":
                texts = StringCodec.decode_input(one)
                outputs.append(StringCodec.encode_output(f"{one.name}-out", texts))
                lengths = np.array([[len(text), 1] for text in texts], dtype=np.float32)
                outputs.append(NumpyCodec.encode_output("vectors", lengths))
                continue
            values = NumpyCodec.decode_input(one)
            if one.name == "numbers" and bool(np.any(values < 0)):
                raise MLServerError("expected numbers of at least 0", 422)
            outputs.append(NumpyCodec.encode_output(f"{one.name}-out", values))
        return InferenceResponse(model_name=self.name, outputs=outputs)
