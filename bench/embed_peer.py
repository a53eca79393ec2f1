"""The other side of bench/embed: all-MiniLM-L6-v2 in onnxruntime, F32 and its own dynamic int8. Same protocol as embed_bench.cc.

The graph is built here from the safetensors file, with the operators that onnxruntime's own transformer optimizer would put in (fused
attention, skip norm, GELU), so that the peer runs at its best; int8 is onnxruntime.quantization.quantize_dynamic, per
channel. Texts are cut by the tokenizers package, sorted by length and padded to the longest of their batch.
"""
import json, os, struct, sys, time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer

HEADS, LAYERS, EPSILON, BATCH = 12, 6, 1e-12, 32


def weights_of(folder):
    with open(os.path.join(folder, "model.safetensors"), "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {k: np.frombuffer(data[v["data_offsets"][0]:v["data_offsets"][1]], np.float32).reshape(v["shape"]) for k, v in header.items()
            if k != "__metadata__" and v["dtype"] == "F32"}


def build(folder, path):
    w, nodes, constants = weights_of(folder), [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(kind, inputs, outputs=1, domain="", **attributes):
        names = [f"{kind}_{len(nodes)}_{i}" for i in range(outputs)]
        nodes.append(helper.make_node(kind, inputs, names, domain=domain, **attributes))
        return names[0]

    def ms(kind, inputs, outputs=1, **attributes):
        return node(kind, inputs, outputs, "com.microsoft", **attributes)

    def get(name):
        return constant(name, w[name])

    def linear(x, name):   # x W^T, the bias apart
        return node("MatMul", [x, constant(name + ".weight.T", w[name + ".weight"].T)])

    def norm(x, skip, name, bias):
        return ms("SkipLayerNormalization", [x, skip, get(name + ".weight"), get(name + ".bias"), get(bias)], epsilon=EPSILON)

    at = "embeddings."
    tokens = node("Gather", [get(at + "word_embeddings.weight"), "ids"])
    places = node("Gather", [constant("places", w[at + "position_embeddings.weight"] + w[at + "token_type_embeddings.weight"][0]), "positions"])
    x = node("LayerNormalization", [node("Add", [tokens, places]), get(at + "LayerNorm.weight"), get(at + "LayerNorm.bias")], axis=-1, epsilon=EPSILON)
    for i in range(LAYERS):
        at = f"encoder.layer.{i}."
        parts = [at + f"attention.self.{n}" for n in ("query", "key", "value")]
        y = ms("Attention", [x, constant(at + "qkv", np.concatenate([w[p + ".weight"].T for p in parts], 1)), constant(at + "qkv_bias", np.concatenate([w[p + ".bias"] for p in parts])), "lengths"],
               num_heads=HEADS)
        x = norm(linear(y, at + "attention.output.dense"), x, at + "attention.output.LayerNorm", at + "attention.output.dense.bias")
        y = ms("BiasGelu", [linear(x, at + "intermediate.dense"), get(at + "intermediate.dense.bias")])
        x = norm(linear(y, at + "output.dense"), x, at + "output.LayerNorm", at + "output.dense.bias")
    summed = node("ReduceSum", [node("Mul", [x, "mask"]), constant("axis1", np.array([1], np.int64))], keepdims=0)
    length = node("Sqrt", [node("ReduceSum", [node("Mul", [summed, summed]), constant("axis_last", np.array([1], np.int64))], keepdims=1)])
    nodes.append(helper.make_node("Div", [summed, length], ["vectors"]))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "minilm", [value("ids", TensorProto.INT64, ["b", "t"]), value("positions", TensorProto.INT64, ["t"]),
                                                value("lengths", TensorProto.INT32, ["b"]), value("mask", TensorProto.FLOAT, ["b", "t", 1])],
                              [value("vectors", TensorProto.FLOAT, ["b", 384])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = 8
    onnx.save(model, path)


class Side:
    def __init__(self, path, threads, tokenizer):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session, self.tokenizer = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"]), tokenizer

    def batch(self, ids):
        lengths = np.array([len(x) for x in ids], np.int32)
        padded = np.zeros((len(ids), lengths.max()), np.int64)
        for row, x in zip(padded, ids):
            row[:len(x)] = x
        mask = (np.arange(padded.shape[1])[None] < lengths[:, None]).astype(np.float32)[..., None]
        return self.session.run(None, {"ids": padded, "positions": np.arange(padded.shape[1]), "lengths": lengths, "mask": mask})[0]

    def embed(self, texts, batch=BATCH):
        ids = [x.ids for x in self.tokenizer.encode_batch(texts)]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        out = np.empty((len(ids), 384), np.float32)
        for at in range(0, len(order), batch):
            out[order[at:at + batch]] = self.batch([ids[i] for i in order[at:at + batch]])
        return out


def main():
    folder, home, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    plain, rounded = os.path.join(home, "minilm-f32.onnx"), os.path.join(home, "minilm-int8.onnx")
    if not os.path.exists(rounded):
        build(folder, plain)
        quantize_dynamic(plain, rounded, op_types_to_quantize=["MatMul", "Attention"], per_channel=True, weight_type=QuantType.QInt8,
                         extra_options={"DefaultTensorType": TensorProto.FLOAT})
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.enable_truncation(256)
    tokenizer.no_padding()
    sides = {"f32": Side(plain, threads, tokenizer), "int8": Side(rounded, threads, tokenizer)}
    # Its best batch size on this machine is measured, not guessed.
    texts = json.load(open(sys.argv[4]))
    best = {}
    for name, side in sides.items():
        rates = {}
        for batch in (8, 16, 32, 64) * 2:
            begin = time.perf_counter()
            side.embed(texts, batch)
            rates[batch] = max(rates.get(batch, 0), len(texts) / (time.perf_counter() - begin))
        best[name] = max(rates, key=rates.get)
    print(json.dumps({"settings": f"onnxruntime {onnxruntime.__version__}, {threads} threads, batches of {best['f32']} (f32) and {best['int8']} (int8), sorted by length; fused graph, dynamic int8 per channel"}), flush=True)
    for line in sys.stdin:
        work, precision, file = line.split()[:3]
        side, texts = sides[precision], json.load(open(file))
        if work == "vectors":
            answer = {"vectors": side.embed(texts).tolist()}
        elif work == "passages":
            begin = time.perf_counter()
            side.embed(texts, best[precision])
            answer = {"rate": len(texts) / (time.perf_counter() - begin)}
        else:
            times = []
            for text in texts:
                begin = time.perf_counter()
                side.embed([text])
                times.append((time.perf_counter() - begin) * 1e3)
            answer = {"rate": sorted(times)[len(times) // 2]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
