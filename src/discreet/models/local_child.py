"""The process that holds a local model: serves one private socket until its input ends.

It is started by `local.py`, reads its settings as one line of JSON, says `ready`, and has no other way in or out.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    settings = json.loads(sys.stdin.buffer.readline())
    parent = os.dup(1)
    os.dup2(2, 1)  # the runtime logs to standard output at times: only we speak to the parent
    try:
        import xllamacpp
    except ImportError:
        os.write(parent, b"missing\n")
        return
    params = xllamacpp.CommonParams()
    params.model.path = settings["weights"]
    params.n_ctx = settings["context_tokens"]
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = settings["threads"]
    params.n_threads_http = 1
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.no_extra_bufts = True  # keep the weights as mapped: repacking costs 1.3 s and 600 MB at each start
    params.cache_ram_mib = 0
    params.warmup = params.fit_params = params.ui = False
    params.verbosity = 0
    params.hostnames = [settings["socket"]]
    params.slot_save_path = settings["prefixes"]
    params.endpoint_slots = True
    try:
        server = xllamacpp.Server(params)
    except Exception:  # noqa: BLE001 - the parent is told by our end; the text may hold paths
        os._exit(1)
    os.write(parent, b"ready\n")
    sys.stdin.buffer.read()
    os._exit(0 if server else 1)  # nothing to save; the runtime's own teardown was seen to take a second


if __name__ == "__main__":
    main()
