#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""L1 is killed under load and comes back, with the real programs: three enclaves, a host, two nodes, an anvil.

  of_due         batches made while it was away, of those that were due at 200 ms
  longest_ms     the longest time between two batches from before it went to after it was back
  named_again_s  from its start until a batch names a block that is newer

Every acknowledged transaction is looked for in the chain. One JSON object on stdout."""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests", "e2e"))

import checks  # noqa: E402
from network import Network  # noqa: E402
from test_l1_away import away_under_load  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    args = parser.parse_args()
    with Network(l1=True, nodes=2) as net:
        result, figures = away_under_load(net, args.seconds)
        checks.chain_is_one(net)
        checks.acknowledged_are_in_one_batch(net, result["hashes"])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
