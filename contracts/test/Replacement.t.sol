// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {EnclaveRegistry} from "../src/EnclaveRegistry.sol";
import {Network} from "../src/Network.sol";
import {Replacement} from "../src/Replacement.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

contract ReplacementTest is KitTest {
    address private spare;

    function setUp() public override {
        super.setUp();
        spare = register(0xb1);
    }

    function request(address faulty, address replacement) private returns (uint256) {
        vm.prank(OPERATOR);
        return management.requestReplacement(faulty, replacement, "bad seal at batch 7");
    }

    function test_theOperatorRequestsAndTheRequestIsListed() public {
        vm.expectEmit(address(management));
        emit Replacement.ReplacementRequested(1, enclaves[0], spare, "bad seal at batch 7");
        vm.assertEq(request(enclaves[0], spare), 1);
        vm.assertEq(request(enclaves[1], spare), 2);
        Replacement.Request[] memory open = management.openReplacements();
        vm.assertEq(open.length, 2);
        vm.assertEq(open[0].id, 1);
        vm.assertEq(open[0].faulty, enclaves[0]);
        vm.assertEq(open[0].replacement, spare);
        vm.assertEq(open[0].reason, "bad seal at batch 7");
        vm.assertEq(open[1].id, 2);
        vm.assertEq(management.openRequestOf(enclaves[1]), 2);
    }

    function test_governanceApprovesAndBothChangesComeAtOnce() public {
        uint256 id = request(enclaves[0], spare);
        vm.expectEmit(address(management));
        emit EnclaveRegistry.SequencerEnclaveRevoked(enclaves[0]);
        vm.expectEmit(address(management));
        emit EnclaveRegistry.SequencerEnclaveGranted(spare);
        vm.expectEmit(address(management));
        emit Replacement.ReplacementApproved(id);
        vm.prank(GOVERNANCE);
        management.approveReplacement(id);
        vm.assertFalse(management.isSequencer(enclaves[0]));
        vm.assertTrue(management.isSequencer(spare));
        vm.assertEq(management.openReplacements().length, 0);
        vm.assertEq(management.openRequestOf(enclaves[0]), 0);
    }

    function test_aReplacementMayRegisterAfterTheRequest() public {
        uint256 id = request(enclaves[0], vm.addr(0xb2));
        vm.expectRevert(
            abi.encodeWithSelector(EnclaveRegistry.NotRegistered.selector, vm.addr(0xb2))
        );
        vm.prank(GOVERNANCE);
        management.approveReplacement(id);
        vm.assertTrue(management.isSequencer(enclaves[0]));
        register(0xb2);
        vm.prank(GOVERNANCE);
        management.approveReplacement(id);
        vm.assertTrue(management.isSequencer(vm.addr(0xb2)));
    }

    function test_governanceRejectsAndTheOperatorMayAskAgain() public {
        uint256 id = request(enclaves[0], spare);
        vm.expectEmit(address(management));
        emit Replacement.ReplacementRejected(id, "not shown");
        vm.prank(GOVERNANCE);
        management.rejectReplacement(id, "not shown");
        vm.assertTrue(management.isSequencer(enclaves[0]));
        vm.assertEq(management.openReplacements().length, 0);
        vm.assertEq(request(enclaves[0], spare), 2);
    }

    function test_theOperatorCancels() public {
        uint256 id = request(enclaves[0], spare);
        vm.expectEmit(address(management));
        emit Replacement.ReplacementCancelled(id);
        vm.prank(OPERATOR);
        management.cancelReplacement(id);
        vm.assertEq(management.openReplacements().length, 0);
    }

    function test_aClosedRequestCannotBeClosedAgain() public {
        uint256 id = request(enclaves[0], spare);
        vm.prank(OPERATOR);
        management.cancelReplacement(id);
        bytes memory gone = abi.encodeWithSelector(Replacement.NoSuchRequest.selector, id);
        vm.expectRevert(gone);
        vm.prank(OPERATOR);
        management.cancelReplacement(id);
        vm.expectRevert(gone);
        vm.prank(GOVERNANCE);
        management.approveReplacement(id);
        vm.expectRevert(gone);
        vm.prank(GOVERNANCE);
        management.rejectReplacement(id, "");
        vm.expectRevert(abi.encodeWithSelector(Replacement.NoSuchRequest.selector, uint256(0)));
        vm.prank(GOVERNANCE);
        management.approveReplacement(0);
    }

    function test_requestsThatMakeNoSenseAreRefused() public {
        vm.expectRevert(abi.encodeWithSelector(EnclaveRegistry.NotSequencer.selector, STRANGER));
        request(STRANGER, spare);
        vm.expectRevert(
            abi.encodeWithSelector(EnclaveRegistry.AlreadySequencer.selector, enclaves[1])
        );
        request(enclaves[0], enclaves[1]);
        vm.expectRevert(Network.ZeroAddress.selector);
        request(enclaves[0], address(0));
        uint256 id = request(enclaves[0], spare);
        vm.expectRevert(abi.encodeWithSelector(Replacement.AlreadyRequested.selector, id));
        request(enclaves[0], STRANGER);
    }

    function test_reasonsAndOpenRequestsAreBounded() public {
        string memory most = string(new bytes(256));
        string memory tooMuch = string(new bytes(257));
        bytes memory refused =
            abi.encodeWithSelector(Replacement.ReasonTooLong.selector, uint256(257));
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.requestReplacement(enclaves[0], spare, tooMuch);
        vm.prank(OPERATOR);
        uint256 id = management.requestReplacement(enclaves[0], spare, most);
        vm.expectRevert(refused);
        vm.prank(GOVERNANCE);
        management.rejectReplacement(id, tooMuch);
        for (uint256 i = 1; i < 17; i++) {
            grant(register(0x1000 + i));
        }
        for (uint256 i = 1; i < 16; i++) {
            request(vm.addr(0x1000 + i), spare);
        }
        vm.expectRevert(Replacement.TooManyRequests.selector);
        request(vm.addr(0x1010), spare);
    }

    function test_onlyTheOperatorRequestsAndCancels() public {
        bytes memory refused = missingRole(GOVERNANCE, management.OPERATOR_ROLE());
        vm.expectRevert(refused);
        vm.prank(GOVERNANCE);
        management.requestReplacement(enclaves[0], spare, "");
        vm.expectRevert(refused);
        vm.prank(GOVERNANCE);
        management.cancelReplacement(1);
    }

    function test_aPauseStopsApprovalsAlone() public {
        uint256 id = request(enclaves[0], spare);
        pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vm.prank(GOVERNANCE);
        management.approveReplacement(id);
        request(enclaves[1], spare);
        vm.prank(GOVERNANCE);
        management.rejectReplacement(id, "");
    }

    function test_aFaultyEnclaveThatIsRevokedMeanwhileIsNotRevokedAgain() public {
        uint256 id = request(enclaves[0], spare);
        revoke(enclaves[0]);
        vm.expectRevert(abi.encodeWithSelector(EnclaveRegistry.NotSequencer.selector, enclaves[0]));
        vm.prank(GOVERNANCE);
        management.approveReplacement(id);
        vm.assertEq(management.openReplacements().length, 1);
    }
}
