"""What the conformance suite runs as "the client": has a running Strata ($STRATA_URL) use the MCP server at the URL given last.

The server is added, its list approved as a person would, and each tool called through the registry; then it is removed. What the suite judges is
what its server saw on the wire.
"""
import json
import os
import sys

import httpx

ARGUMENTS = {"a": 2, "b": 3}
context = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}")
name = f"c{os.getpid()}"
http = httpx.Client(base_url=os.environ["STRATA_URL"], timeout=25)  # a scenario may never answer


def checked(answer):
    if answer.status_code != 200:
        sys.exit(f"{answer.status_code}: {answer.text}")
    return answer.json()


def arguments_of(tool):
    """Something for each property that a schema asks for; to the suite's echo, the schema that we were given."""
    if tool["name"] == "json_schema_echo":
        return {"schema": next(one["inputSchema"] for one in listed if one["name"] == "json_schema_2020_12_tool")}
    samples = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "object": {}, "array": []}
    schema = tool["inputSchema"]
    given = {key: ARGUMENTS.get(key, samples.get(one.get("type"), "text")) for key, one in schema.get("properties", {}).items() if isinstance(one, dict)}
    return given if schema.get("properties") else {}


server = checked(http.post("/strata/v1/mcp/servers", json={"name": name, "url": sys.argv[-1]}))
try:
    listed = [tool for tool in server["listed"] if isinstance(tool.get("name"), str)]
    left_out = {one["name"] for one in server["left_out"]}
    usable = [tool for tool in listed if tool["name"] not in left_out]
    server = checked(http.post(f"/strata/v1/mcp/servers/{name}/approve", json={"hash": server["hash"], "reading": [tool["name"] for tool in usable]}))
    calls = context.get("toolCalls") or [{"name": tool["name"], "arguments": arguments_of(tool)} for tool in usable]
    for call in calls:
        where = f"/strata/v1/tools/{name}_{call['name']}/call"
        outcome = checked(http.post(where, json={"arguments": call["arguments"]}))
        if outcome["state"] == "refused":  # as a model would: without what the schema does not allow
            wrong = {problem["path"].strip("/") for problem in outcome["error"].get("problems", [])}
            outcome = checked(http.post(where, json={"arguments": {key: value for key, value in call["arguments"].items() if key not in wrong}}))
        print(call["name"], outcome["state"], json.dumps(outcome.get("error")))
finally:
    http.delete(f"/strata/v1/mcp/servers/{name}")
