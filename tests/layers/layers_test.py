#!/usr/bin/env python3
"""Holds every #include of src/ to src/LAYERS, and src/LAYERS to the links of src/CMakeLists.txt. Exits 1 with one line per breach."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def read_layers():
    layers, rooms, libraries = [], {}, {}
    for line in (SRC / "LAYERS").read_text().splitlines():
        line = line.split("#")[0].strip()
        if line.startswith("layer "):
            layers = line.split()[1:]
        elif line.startswith("room "):
            name, allowed = line[5:].split(":")
            rooms[name.strip()] = set(allowed.split())
        elif line.startswith("library "):
            header, room = line[8:].split(":")
            libraries[header.strip()] = room.split()
    return layers, rooms, libraries


def room_of(path, rooms):
    """The room that a path below src/ lies in; app and worker are one each."""
    parts = path.split("/")
    if parts[0] in ("app", "worker"):
        return parts[0]
    for size in (2, 1):
        name = "/".join(parts[:size])
        if name in rooms:
            return name
    return None


def check_rooms_point_down(layers, rooms, breaches):
    for room, allowed in rooms.items():
        for other in allowed:
            if other not in rooms:
                breaches.append(f"LAYERS: {room} names the unknown room {other}")
            elif layers.index(other.split("/")[0]) > layers.index(room.split("/")[0]):
                breaches.append(f"LAYERS: {room} may not depend on {other}, which lies above it")


def check_links(rooms, breaches):
    text = (SRC / "CMakeLists.txt").read_text()
    linked = {}
    for name, arguments in re.findall(r"strata_room\(\s*(\S+?)(?=[\s)])([^)]*)\)", text):
        deps = re.search(r"\bDEPS\b((?:(?!\bLIBS\b|\bTEST_DEPS\b).)*)", arguments, re.S)
        linked[name] = set(deps.group(1).split()) if deps else set()
    for room in sorted(set(linked) | set(rooms)):
        if linked.get(room) != rooms.get(room):
            breaches.append(f"{room}: LAYERS allows {sorted(rooms.get(room) or [])}, CMakeLists links {sorted(linked.get(room) or [])}")


def check_file(path, rooms, libraries, breaches):
    name = path.relative_to(SRC).as_posix()
    room = room_of(name, rooms)
    if room is None:
        breaches.append(f"{name}: lies in no room of LAYERS")
        return
    is_test = name.endswith(("_test.cc", "_fuzz.cc", "_bench.cc", "_for_test.h", "_for_test.cc"))
    for kind, target in INCLUDE.findall(path.read_text(errors="replace")):
        if kind == "<":
            for header, owner in libraries.items():
                if target.startswith(header) and room not in owner:
                    breaches.append(f"{name}: <{target}> is included by {' and '.join(owner)} only")
            continue
        other = room_of(target, rooms)
        if other is None or other == room:
            continue
        if room == "app" or is_test:
            allowed = True
        elif room == "worker":
            allowed = other in ("base", "knowledge/document")
        else:
            allowed = other in rooms[room]
        if not allowed:
            breaches.append(f"{name}: may not include {target}: LAYERS lets {room} see only {sorted(rooms[room]) if room in rooms else 'base'}")
        door = f"{other}/{other.split('/')[-1]}.h"
        if is_test and target.endswith("_for_test.h"):  # fakes that other rooms' tests share
            continue
        if other != "base" and target != door:
            breaches.append(f"{name}: includes {target}; outside {other} only {door} may be included")


def main():
    layers, rooms, libraries = read_layers()
    breaches = []
    check_rooms_point_down(layers, rooms, breaches)
    check_links(rooms, breaches)
    files = [p for p in SRC.rglob("*") if p.suffix in (".h", ".cc")]
    for path in sorted(files):
        check_file(path, rooms, libraries, breaches)
    for breach in breaches:
        print(breach)
    print(f"{len(files)} files, {len(rooms)} rooms, {len(breaches)} breaches")
    sys.exit(bool(breaches) or not files)


if __name__ == "__main__":
    main()
