// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TenseqManagement} from "../src/TenseqManagement.sol";
import {Rollup} from "../src/Types.sol";
import {Handler} from "./kit/Handler.sol";
import {vm} from "./kit/Vm.sol";

/// @notice What holds after any sequence of calls.
contract InvariantsTest {
    address private constant REPORTER = address(0x4e90);
    uint256 private constant SLASH = 10 ether;

    Handler private handler;
    TenseqManagement private management;

    function setUp() public {
        handler = new Handler();
        management = handler.contractUnderTest();
    }

    /// @dev Forge asks which contracts it is to call.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev One campaign for all: forge would run one for each.
    function invariant_allHold() public view {
        everyWeiIsSomebodys();
        aParentIsSlashedOnce();
        theMinimumCannotBeWithdrawnBeforeTheDelay();
        theListIsOneOfDistinctAttestedEnclaves();
        rollupsAreOneLine();
    }

    function everyWeiIsSomebodys() private view {
        uint256 owed = management.owed(REPORTER) + management.owedToTreasury();
        vm.assertEq(address(management).balance, management.bond() + owed);
        vm.assertEq(
            handler.posted(), management.bond() + owed + handler.withdrawn() + handler.collected()
        );
    }

    function aParentIsSlashedOnce() private view {
        uint256 slashed = handler.posted() - handler.withdrawn() - management.bond();
        vm.assertLe(slashed, handler.slashPoints() * SLASH);
        vm.assertLe(handler.slashPoints(), 8);
        vm.assertLe(handler.slashPoints(), handler.proofs());
    }

    function theMinimumCannotBeWithdrawnBeforeTheDelay() private view {
        vm.assertFalse(handler.wasOutrun());
    }

    function theListIsOneOfDistinctAttestedEnclaves() private view {
        address[] memory list = management.sequencers();
        vm.assertLe(list.length, management.MAX_SEQUENCERS());
        for (uint256 i = 0; i < list.length; i++) {
            vm.assertTrue(management.isSequencer(list[i]));
            vm.assertTrue(management.isAttested(list[i]));
            vm.assertTrue(management.wasSequencer(list[i]));
            for (uint256 j = 0; j < i; j++) {
                vm.assertTrue(list[i] != list[j]);
            }
        }
        vm.assertFalse(management.wasSequencer(vm.addr(handler.key(5))));
    }

    function rollupsAreOneLine() private view {
        vm.assertEq(management.lastNumber(), handler.lastNumber());
        vm.assertEq(management.lastHash(), handler.lastHash());
        vm.assertEq(management.lastNumber() == 0, management.rollupHash(1) == 0);
        uint64 last = 0;
        for (uint256 i = 0; i < handler.takenCount(); i++) {
            Rollup memory r = handler.takenAt(i);
            vm.assertEq(r.firstNumber, last + 1);
            vm.assertEq(management.rollupHash(r.firstNumber), management.rollupDigest(r));
            last = r.lastNumber;
        }
        vm.assertEq(management.lastNumber(), last);
    }

    /// @dev The handler's steps do get through, or the invariants above would say nothing.
    function test_theHandlerReachesWhatTheInvariantsAreAbout() public {
        handler.doPost(40 ether);
        handler.doReport(0, 1, 3, 0, 0);
        handler.doCollect(true);
        handler.doPublish(0, 9, 1, "data");
        handler.doPublish(1, 4, 1, "data");
        handler.doRollBack(0, 0); // one that is not the newest
        vm.assertEq(handler.rolledBack(), 0);
        handler.doRollBack(0, 1);
        vm.assertEq(handler.rolledBack(), 1);
        handler.doRevoke(0);
        handler.doRevoke(1);
        handler.doReplace(2, 3, true);
        vm.assertTrue(management.isSequencer(vm.addr(handler.key(3))));
        handler.doRevoke(3);
        handler.doAnnounce(30 ether);
        for (uint256 i = 0; i < 6; i++) {
            handler.doWithdraw(3 days - 1);
        }
        vm.assertEq(handler.proofs(), 1);
        vm.assertEq(handler.withdrawn(), 30 ether);
        vm.assertEq(handler.lastNumber(), 10);
        vm.assertEq(handler.collected(), 8 ether);
    }
}
