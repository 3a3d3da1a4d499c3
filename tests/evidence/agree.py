#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tenseq verify and the ethers scripts say the same of evidence: of the kept files, and of forgeries.

usage: agree.py TENSEQ NODE SCRIPTS SAMPLES

Of every sample each member is altered, removed, doubled; files are cut, swapped, put into another network.
In SAMPLES/forged all signatures hold, and something else does not (tests/unit/test_evidence_forged.c).
Both checkers must call the samples proven and refuse everything else, those for the same reason.
"""

import copy
import json
import os
import subprocess
import sys
import tempfile

CHUNK = 1000  # files that tenseq verify takes at a time
KINDS = ("equivocation", "payload-edited", "whitelist-mismatch", "rollup-mismatch")


def kind_of(name):
    return next(k for k in KINDS if name.startswith(k))


# What each of SAMPLES/forged is refused for.
FORGED = {
    "grant-by-whom-it-lists": "nobody that was listed before",
    "grant-by-a-stranger": "nobody that was listed before",
    "grant-too-late": "neither the genesis nor a grant",
    "grant-too-many": "lists nobody that counts",
    "grant-that-removes": "neither the genesis nor a grant",
    "grant-that-removes-at-the-end": "neither the genesis nor a grant",
    "grant-with-more": "lists nobody",
    "grant-in-disorder": "lists nobody",
    "grant-in-long-form": "lists nobody",
    "grant-beside-nonsense": "lists nobody",
    "equivocation-parents": "not for one number on one",
    "equivocation-roots": "not for one number on one",
    "equivocation-zero": "the number 0",
    "rollup-no-range": "the rollup has no range",
    "rollup-from-zero": "the rollup has no range",
    "rollup-elsewhere": "not in the rollup's range",
    "rollup-too-long": "names more batches than one may hold",
    "rollup-long": "neither a batch nor data are there",
    "rollup-in-order": "do not contradict each other",
    "l1-number": "another block than the batch",
    "l1-list": "L1's list is not ascending",
    "l1-no-reports": "does not account for the whitelist",
    "l1-twice": "account",
}


# ---- forgeries ---------------------------------------------------------------------------------

def leaves(value, path=()):
    """Paths of everything that is no object, and of lists."""
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], path + (key,))
        return
    yield path
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from leaves(item, path + (i,))


def members(value, path=()):
    """Paths of every member and item."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield path + (key,)
        if isinstance(item, (dict, list)):
            yield from members(item, path + (key,))


def at(value, path):
    for key in path:
        value = value[key]
    return value


def altered(value):
    if value is None:
        return [0]
    if isinstance(value, int):
        return [value + 1, str(value)]
    if isinstance(value, list):
        return [value + value[-1:] if value else ["0x00"]]
    if value.startswith("0x") and len(value) > 2:
        flip = lambda at: value[:at] + format(int(value[at], 16) ^ 1, "x") + value[at + 1:]
        upper = value[:2] + value[2:].upper()
        return [flip(len(value) // 2), value[:-2], flip(len(value) - 1)] + \
            ([upper] if upper != value else [])
    return [value + "1", ""]


def with_member(sample, path, value):
    copied = copy.deepcopy(sample)
    at(copied, path[:-1])[path[-1]] = value
    return copied


def forgeries(name, sample, others, is_first):
    """(what, text) of each forgery of a sample. What all files of a kind have in common is altered in
    the first alone, to be quick."""
    common = () if is_first else ("network", "finding")
    for path in leaves(sample):
        if path[0] in common:
            continue
        values = altered(at(sample, path))
        for i, value in enumerate(values if is_first else values[:2]):
            yield f"altered-{i}:{'.'.join(map(str, path))}", json.dumps(
                with_member(sample, path, value))
    for path in members(sample):
        if path[0] in common and len(path) > 1:
            continue
        copied = copy.deepcopy(sample)
        del at(copied, path[:-1])[path[-1]]
        yield f"removed:{'.'.join(map(str, path))}", json.dumps(copied)
    for path in ((), ("finding",), ("network",), ("network", "genesis"), ("material",)):
        yield f"unknown:{'.'.join(path)}", json.dumps(with_member(sample, path + ("more",), 1))
    text = json.dumps(sample, indent=1)
    for cut in (0, 1, len(text) // 3, len(text) // 2, len(text) - 1):
        yield f"cut:{cut}", text[:cut]
    yield "behind", text + "{}"
    yield "twice", text.replace('"version": 1,', '"version": 1, "version": 1,', 1)
    yield "escape", text.replace('"proof"', '"pro\\u006ff"', 1)
    yield "real", text.replace('"count": 0', '"count": 0.0', 1)
    yield "list", json.dumps([sample])
    yield from of_others(name, sample, others)


def of_others(name, sample, others):
    """Parts of other files in this one."""
    material = sample["material"]
    if "other" in material:
        yield "same-seal", json.dumps(with_member(sample, ("material", "other"), material["batch"]))
        both = copy.deepcopy(sample)
        both["material"]["batch"], both["material"]["other"] = material["other"], material["batch"]
        yield "swapped", json.dumps(both)
    for other, theirs in others.items():
        if theirs["network"] != sample["network"]:
            yield f"network-of-{other}", json.dumps(
                with_member(sample, ("network",), theirs["network"]))
        for part in ("batch", "other", "grants", "given", "l1", "rollup", "data"):
            if part == "batch" and "rollup" in material and "rollup" not in theirs["material"]:
                continue  # of another chain by the same enclaves: that contradicts the rollup, too
            if part in material and part in theirs["material"] and \
                    theirs["material"][part] != material[part]:
                yield f"{part}-of-{other}", json.dumps(
                    with_member(sample, ("material", part), theirs["material"][part]))
        if kind_of(other) != kind_of(name):
            yield f"kind-of-{other}", json.dumps(with_member(sample, ("kind",), theirs["kind"]))


# ---- the checkers ------------------------------------------------------------------------------

def ask_tenseq(program, paths):
    """File → reason; "" is proven."""
    said = {}
    for i in range(0, len(paths), CHUNK):
        chunk = paths[i:i + CHUNK]
        done = subprocess.run([program, "verify", "--json", *chunk], capture_output=True, text=True)
        answers = json.loads(done.stdout)
        assert done.returncode == (0 if all(a["proven"] for a in answers) else 1), done
        for a in answers:
            said[a["file"]] = "" if a["proven"] else a["why"]
    return said


def ask_script(node, script, paths):
    said = {}
    done = subprocess.run([node, script, *paths], capture_output=True, text=True)
    for line in done.stdout.splitlines():
        path, _, verdict = line.partition(": ")
        if verdict.startswith("proven"):
            said[path] = ""
        elif verdict.startswith("not proven: "):
            said[path] = verdict.removeprefix("not proven: ")
    assert not done.stderr, done.stderr
    assert done.returncode == (1 if any(said.values()) else 0), done
    return said


def of_words(tenseq, node, scripts, paths):
    """How many are told in other words."""
    bad = 0
    for path, kind in paths:
        ours, theirs = (subprocess.run([*argv, path], capture_output=True, text=True)
                        for argv in ((tenseq, "verify"), (node, os.path.join(scripts, kind + ".mjs"))))
        if ours.returncode != 0 or (ours.returncode, ours.stdout) != (theirs.returncode, theirs.stdout):
            bad += 1
            print(f"{path} is told in two ways:\n{ours.stdout}{ours.stderr}{theirs.stdout}{theirs.stderr}")
    return bad


def of_forged(tenseq, node, scripts, directory):
    """How many of those whose signatures hold are judged wrongly, or there are not."""
    names = {n.removesuffix(".json") for n in os.listdir(directory)}
    bad = [f"forged/{n}: there is no such file, or nobody knows it" for n in names ^ set(FORGED)]
    known = {os.path.join(directory, n + ".json"): n for n in sorted(names & set(FORGED))}
    kinds = {}
    for path in known:
        with open(path, encoding="utf-8") as f:
            kinds.setdefault(json.load(f)["kind"], []).append(path)
    for kind, paths in kinds.items():
        for said in (ask_tenseq(tenseq, paths), ask_script(node, os.path.join(scripts, kind + ".mjs"), paths)):
            for path in paths:
                if FORGED[known[path]] not in said.get(path, ""):
                    bad.append(f"forged/{known[path]}: {said.get(path, 'nothing') or 'proven'}")
    print("".join(f"{b}\n" for b in bad), end="")
    return len(bad)


def main():
    tenseq, node, scripts, samples_dir = sys.argv[1:]
    names = sorted(n.removesuffix(".json") for n in os.listdir(samples_dir) if n.endswith(".json"))
    samples = {}
    for name in names:
        with open(os.path.join(samples_dir, name + ".json"), encoding="utf-8") as f:
            samples[name] = json.load(f)
    files = {}  # path → (sample, what)
    with tempfile.TemporaryDirectory() as directory:
        kinds = set()
        for name, sample in samples.items():
            path = os.path.join(samples_dir, name + ".json")
            files[path] = (name, None)
            is_first = kind_of(name) not in kinds
            kinds.add(kind_of(name))
            for i, (what, text) in enumerate(forgeries(name, sample, samples, is_first)):
                path = os.path.join(directory, f"{name}-{i}.json")
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
                files[path] = (name, what)
        ours = ask_tenseq(tenseq, list(files))
        theirs = {}
        for kind in sorted(kinds):
            paths = [p for p, (name, _) in files.items() if kind_of(name) == kind]
            theirs.update(ask_script(node, os.path.join(scripts, kind + ".mjs"), paths))
    bad = of_forged(tenseq, node, scripts, os.path.join(samples_dir, "forged"))
    bad += of_words(tenseq, node, scripts, [(p, kind_of(name)) for p, (name, what) in files.items() if what is None])
    for path, (name, what) in files.items():
        for checker, said in (("tenseq", ours), ("ethers", theirs)):
            if (what is None) == (said.get(path) == ""):
                continue
            bad += 1
            print(f"{checker}: {name}: {what or 'as kept'}: {said.get(path, 'nothing') or 'proven'}")
    # Both read the same in data: the batch of another rollup's evidence is in order there.
    looked_at = [path for path, (name, what) in files.items()
                 if what == "batch-of-rollup-mismatch-time" and name == "rollup-mismatch-transactions"]
    for said in [said[path] for path in looked_at for said in (ours, theirs)]:
        if said != "the data of the rollup are in order":
            bad += 1
            print(f"the data are read in another way: {said}")
    if kinds != set(KINDS) or not looked_at:
        bad += 1
        print(f"there are no samples of {sorted(set(KINDS) - kinds) or 'data that are in order'}")
    n = len(files) - len(samples) + len(FORGED)
    print(f"evidence: {len(samples)} files, {n} forgeries, {bad} judged wrongly")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
