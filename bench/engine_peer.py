"""The peer's side of bench/engine: llama.cpp by its C API (through llama-cpp-python), one workload a line on standard input, one JSON
object each on standard output, as bench/engine_bench.cc's loop. Run by bench/engine in the peer's own environment.

  engine_peer.py MODEL THREADS        prefill N SEED | decode DEPTH N SEED | serve STREAMS PROMPT N SEED
  engine_peer.py --write FORMAT SOURCE TARGET    writes SOURCE again in another format (llama.cpp's own quantizer)

Times are llama.cpp's own (llama_perf_context), but for serve, which is wall time with the prompts in it, batched as full as its batch is.
"""
import ctypes
import json
import os
import random
import sys
import time

import llama_cpp as L

BATCH = 512
FTYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q8_0": 7, "q5_0": 8, "q5_1": 9, "q4_k": 15, "q5_k": 17, "q6_k": 18, "bf16": 32}
silent = L.llama_log_callback(lambda *a: None)


def write(form, source, target):
    params = L.llama_model_quantize_default_params()
    params.ftype, params.allow_requantize, params.nthread = FTYPES[form], True, os.cpu_count()
    if L.llama_model_quantize(source.encode(), (target + ".part").encode(), ctypes.byref(params)) != 0:
        sys.exit(f"llama.cpp could not write {target}")
    os.rename(target + ".part", target)


def prompt(count, seed, vocabulary):
    numbers = random.Random(seed)
    return [numbers.randrange(vocabulary // 100, vocabulary // 2) for _ in range(count)]


class Peer:
    def __init__(self, path, threads):
        self.model = L.llama_model_load_from_file(path.encode(), L.llama_model_default_params())
        self.threads, self.shape, self.ctx = threads, None, None
        self.vocabulary = L.llama_vocab_n_tokens(L.llama_model_get_vocab(self.model))

    def context(self, streams, length):
        if self.shape != (streams, length):
            if self.ctx:
                L.llama_free(self.ctx)
            c = L.llama_context_default_params()
            c.n_ctx, c.n_batch, c.n_ubatch, c.n_seq_max = length * streams, BATCH, BATCH, streams
            c.n_threads = c.n_threads_batch = self.threads
            c.no_perf = False
            self.ctx, self.shape = L.llama_init_from_model(self.model, c), (streams, length)
            self.run([(t, i, 0, i == 31) for i, t in enumerate(prompt(32, 0, self.vocabulary))])  # warm-up
        L.llama_memory_clear(L.llama_get_memory(self.ctx), True)
        L.llama_perf_context_reset(self.ctx)

    def run(self, rows):  # rows: (token, position, sequence, wanted)
        for at in range(0, len(rows), BATCH):
            part = rows[at : at + BATCH]
            batch = L.llama_batch_init(len(part), 0, 1)
            batch.n_tokens = len(part)
            for i, (token, position, sequence, wanted) in enumerate(part):
                batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position, 1, wanted
                batch.seq_id[i][0] = sequence
            if L.llama_decode(self.ctx, batch) != 0:
                sys.exit("llama_decode failed")
            L.llama_synchronize(self.ctx)
            L.llama_batch_free(batch)

    def prefill(self, count, seed):
        self.context(1, max(2048, count + 64))
        self.run([(t, i, 0, i + 1 == count) for i, t in enumerate(prompt(count, seed, self.vocabulary))])
        times = L.llama_perf_context(self.ctx)
        return 1e3 * times.n_p_eval / times.t_p_eval_ms

    def decode(self, depth, count, seed):
        depth = max(1, depth)
        self.context(1, max(2048, depth + count + 64))
        self.run([(t, i, 0, i + 1 == depth) for i, t in enumerate(prompt(depth, seed, self.vocabulary))])
        L.llama_perf_context_reset(self.ctx)
        for i in range(count):
            self.run([(1000 + i, depth + i, 0, True)])
        times = L.llama_perf_context(self.ctx)
        return 1e3 * times.n_eval / times.t_eval_ms

    def serve(self, streams, length, count, seed):
        self.context(streams, length + count + 64)
        begin = time.perf_counter()
        self.run([(t, i, s, i + 1 == length) for s in range(streams) for i, t in enumerate(prompt(length, seed * 1000 + s, self.vocabulary))])
        for i in range(count - 1):
            self.run([(1000 + i, length + i, s, True) for s in range(streams)])
        return streams * count / (time.perf_counter() - begin)


def main():
    L.llama_backend_init()
    L.llama_log_set(silent, ctypes.c_void_p(0))
    if sys.argv[1] == "--write":
        return write(*sys.argv[2:5])
    peer = Peer(sys.argv[1], int(sys.argv[2]))
    settings = {"n_batch": BATCH, "n_ubatch": BATCH, "threads": peer.threads, "kv": "f16"}
    print(json.dumps({"system": L.llama_print_system_info().decode(), "settings": settings}), flush=True)
    for line in sys.stdin:
        work, *numbers = line.split()
        rate = getattr(peer, work)(*map(int, numbers))
        print(json.dumps({"work": line.strip(), "tokens_per_s": rate}), flush=True)


if __name__ == "__main__":
    main()
