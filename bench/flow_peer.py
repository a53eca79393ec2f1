"""LangGraph's side of bench/flow: chains of 200 nodes, each adds one; durability sync, SQLite in WAL mode with synchronous=FULL."""
import importlib.metadata
import json
import operator
import os
import sqlite3
import sys
import threading
import time
from typing import Annotated, TypedDict

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, StateGraph

STEPS, AT_ONCE = 200, 16


class State(TypedDict):
    n: Annotated[int, operator.add]


def builder():
    graph = StateGraph(State)
    for i in range(STEPS):
        graph.add_node(f"s{i}", lambda state: {"n": 1})
        graph.add_edge(START if i == 0 else f"s{i - 1}", f"s{i}")
    graph.add_edge(f"s{STEPS - 1}", END)
    return graph


def saver(path):
    connection = sqlite3.connect(path, check_same_thread=False, timeout=60)
    made = SqliteSaver(connection)
    made.setup()
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    return made


def measure(how, folder, chains, threads, own):
    os.makedirs(folder)
    graph = builder()
    shared = None if own else graph.compile(checkpointer=saver(folder + "/checkpoints.db"))
    names = iter(range(chains))
    lock = threading.Lock()

    def work():
        app = graph.compile(checkpointer=saver(folder + "/checkpoints.db")) if own else shared
        while True:
            with lock:
                name = next(names, None)
            if name is None:
                return
            result = app.invoke({"n": 0}, {"configurable": {"thread_id": str(name)}, "recursion_limit": STEPS + 10}, durability="sync")
            assert result["n"] == STEPS

    begin = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - begin
    print(json.dumps({"how": how, "steps_per_s": chains * STEPS / seconds, "version": importlib.metadata.version("langgraph")}), flush=True)


folder, chains = sys.argv[1], int(sys.argv[2])
os.makedirs(folder)
measure("16 threads, one connection", folder + "/shared", chains, AT_ONCE, False)
measure("16 threads, a connection each", folder + "/own", chains, AT_ONCE, True)
measure("one chain at a time", folder + "/alone", max(4, chains // 8), 1, False)
