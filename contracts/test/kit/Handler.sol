// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TenseqManagement} from "../../src/TenseqManagement.sol";
import {Rollup, SealedHeader} from "../../src/Types.sol";
import {Kit} from "./Kit.sol";
import {vm} from "./Vm.sol";

/// @notice Does anything that anybody may do, in any order, and keeps its own books. What it does may be
///         refused; then nothing is booked.
contract Handler is Kit {
    uint256 public posted;
    uint256 public withdrawn;
    uint256 public slashPoints;
    uint256 public proofs;
    uint256 public collected;
    uint64 public lastNumber;
    bytes32 public lastHash;
    /// @dev Less than the minimum was left although an enclave was listed, or within the delay of it.
    bool public wasOutrun;
    uint256 public rolledBack;

    Rollup[] private taken;
    uint256 private lastListed;
    uint256 private constant KEYS = 6; // three of which bootstrapped

    constructor() {
        begin();
        for (uint256 i = 3; i < KEYS - 1; i++) {
            register(key(i)); // the last one never does
        }
        lastHash = GENESIS;
    }

    function contractUnderTest() external view returns (TenseqManagement) {
        return management;
    }

    function key(uint256 i) public pure returns (uint256) {
        return 0xa1 + i % KEYS;
    }

    /// @dev Time passes with every step, and the list is seen before and after.
    modifier step(uint256 seed) {
        vm.warp(block.timestamp + seed % 3 days);
        vm.roll(block.number + 1 + seed % 50);
        if (management.sequencers().length != 0) lastListed = block.timestamp;
        _;
        if (management.sequencers().length != 0) lastListed = block.timestamp;
    }

    function doGrant(uint256 i) external step(i) {
        vm.prank(GOVERNANCE);
        try management.grantSequencerEnclave(vm.addr(key(i))) {} catch {}
    }

    function doRevoke(uint256 i) external step(i) {
        vm.prank(GOVERNANCE);
        try management.revokeSequencerEnclave(vm.addr(key(i))) {} catch {}
    }

    function doReplace(uint256 i, uint256 j, bool isApproved) external step(i) {
        vm.prank(OPERATOR);
        try management.requestReplacement(vm.addr(key(i)), vm.addr(key(j)), "why") returns (
            uint256 id
        ) {
            vm.prank(GOVERNANCE);
            if (isApproved) {
                try management.approveReplacement(id) {} catch {}
            } else {
                management.rejectReplacement(id, "why not");
            }
        } catch {}
    }

    function doPost(uint256 amount) external step(amount) {
        amount = amount % (2 * MINIMUM);
        vm.deal(OPERATOR, amount);
        vm.prank(OPERATOR);
        try management.postBond{value: amount}() {
            posted += amount;
        } catch {}
    }

    function doAnnounce(uint256 amount) external step(amount) {
        amount = amount % (uint256(management.bond()) + 2);
        vm.prank(OPERATOR);
        try management.requestWithdrawal(amount) {} catch {}
    }

    function doWithdraw(uint256 seed) external step(seed) {
        uint256 before = management.bond();
        vm.warp(block.timestamp + (seed % 4) * 5 days);
        vm.prank(OPERATOR);
        try management.withdrawBond(payable(address(0xbeef))) {
            withdrawn += before - management.bond();
            bool isDue = management.sequencers().length != 0 || block.timestamp < lastListed + DELAY;
            if (isDue && management.bond() < MINIMUM) wasOutrun = true;
        } catch {}
    }

    function doReport(uint256 i, uint256 j, uint8 point, uint8 x, uint8 y) external step(i) {
        bytes32 parent = bytes32(uint256(point % 8) + 1);
        uint64 number = uint64(point % 8) + 1;
        SealedHeader memory a =
            seal(key(i), header(key(i), number, parent, bytes32(uint256(x % 3))), "r");
        SealedHeader memory b =
            seal(key(j), header(key(j), number, parent, bytes32(uint256(y % 3))), "r");
        bool isFirst = !management.isSlashed(parent);
        vm.prank(REPORTER);
        try management.reportEquivocation(a, b) {
            proofs++;
            if (isFirst) slashPoints++;
        } catch {}
    }

    function doCollect(bool isTreasury) external {
        uint256 before = address(management).balance;
        if (isTreasury) {
            try management.collectForTreasury() {} catch {}
        } else {
            try management.collect(payable(REPORTER)) {} catch {}
        }
        collected += before - address(management).balance;
    }

    function doPublish(uint256 i, uint64 count, uint64 shift, bytes calldata data)
        external
        step(i)
    {
        Rollup memory r = nextRollup(count % 1000 + 1, data);
        if (shift % 4 == 0) r.firstNumber += shift % 3;
        bytes memory sig = signRollup(key(i), r);
        vm.prank(STRANGER, STRANGER);
        try management.publishRollup(r, sig, data) {
            vm.assertEq(r.firstNumber, lastNumber + 1);
            (lastNumber, lastHash) = (r.lastNumber, r.lastHash);
            taken.push(r);
        } catch {}
    }

    /// @dev The newest ones, or with a shift some that are not.
    function doRollBack(uint256 count, uint256 shift) external step(count) {
        uint256 n = taken.length;
        if (n == 0) return;
        count = count % 3 + 1;
        if (count > n) count = n;
        shift = shift % 4 == 0 && n > count ? 1 : 0;
        uint256 keep = n - count - shift;
        Rollup[] memory dropped = new Rollup[](count);
        for (uint256 i = 0; i < count; i++) {
            dropped[i] = taken[keep + i];
        }
        Rollup memory kept;
        if (keep > 0) kept = taken[keep - 1];
        vm.prank(GOVERNANCE);
        try management.rollBackRollups(kept, dropped) {
            vm.assertEq(shift, 0);
            for (uint256 i = 0; i < count; i++) {
                taken.pop();
            }
            (lastNumber, lastHash) = keep > 0 ? (kept.lastNumber, kept.lastHash) : (0, GENESIS);
            rolledBack++;
        } catch {
            vm.assertEq(shift, 1);
        }
    }

    function takenCount() external view returns (uint256) {
        return taken.length;
    }

    function takenAt(uint256 i) external view returns (Rollup memory) {
        return taken[i];
    }

    function doPause(bool isPaused, uint256 seed) external step(seed) {
        vm.prank(GOVERNANCE);
        if (isPaused && seed % 8 == 0) {
            try management.pause() {} catch {}
        } else {
            try management.unpause() {} catch {}
        }
    }
}
