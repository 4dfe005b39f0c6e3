"""llama.cpp's server as it comes in the wheel of xllamacpp, with the options of the program llama-server that are needed here."""

import argparse
import importlib.util
import sys
import threading


def loaded(library):
    spec = importlib.util.spec_from_file_location("xllamacpp", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


options = argparse.ArgumentParser(allow_abbrev=False)
options.add_argument("-m", required=True)
options.add_argument("--host", default="127.0.0.1")
options.add_argument("--port", type=int, required=True)
options.add_argument("--parallel", type=int, required=True)
options.add_argument("-c", type=int, required=True)
options.add_argument("-t", type=int, required=True)
options.add_argument("--metrics", action="store_true")
given = options.parse_args(sys.argv[2:])

llama = loaded(sys.argv[1])
params = llama.CommonParams()
params.model.path = given.m
params.hostnames = [given.host]
params.port = given.port
params.n_parallel = given.parallel
params.n_ctx = given.c
params.cpuparams.n_threads = given.t
params.cpuparams_batch.n_threads = given.t
params.endpoint_metrics = given.metrics
server = llama.Server(params)
threading.Event().wait()
