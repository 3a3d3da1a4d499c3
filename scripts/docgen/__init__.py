# SPDX-License-Identifier: Apache-2.0
"""The parts of the documents that are made, not written: scripts/docs.py."""
