// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {EnclaveRegistry} from "../src/EnclaveRegistry.sol";
import {Network} from "../src/Network.sol";
import {TenseqManagement} from "../src/TenseqManagement.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

contract EnclaveRegistryTest is KitTest {
    uint256 private constant KEY = 0xb1;

    function test_whatWasGrantedBeforeTheGenesisIsListedAndAttested() public view {
        vm.assertEq(management.sequencers().length, 3);
        for (uint256 i = 0; i < enclaves.length; i++) {
            vm.assertTrue(management.isSequencer(enclaves[i]));
            vm.assertTrue(management.isAttested(enclaves[i]));
            vm.assertTrue(management.wasSequencer(enclaves[i]));
        }
        vm.assertFalse(management.isSequencer(STRANGER));
        vm.assertFalse(management.isAttested(STRANGER));
        vm.assertFalse(management.wasSequencer(STRANGER));
    }

    function test_anEnclaveRegistersItself() public {
        address id = vm.addr(KEY);
        bytes32 digest = management.registrationDigest(id, "measurement");
        vm.expectEmit(address(management));
        emit EnclaveRegistry.EnclaveRegistered(id, "measurement");
        vm.prank(STRANGER);
        management.registerEnclave(id, "measurement", signature(KEY, digest));
        vm.assertTrue(management.isAttested(id));
        vm.assertFalse(management.isSequencer(id));
        vm.assertFalse(management.wasSequencer(id));
        vm.assertEq(management.measurementOf(id), "measurement");
    }

    function test_anEnclaveRegistersOnce() public {
        address id = register(KEY);
        bytes memory sig = signature(KEY, management.registrationDigest(id, "other"));
        vm.expectRevert(abi.encodeWithSelector(EnclaveRegistry.AlreadyRegistered.selector, id));
        management.registerEnclave(id, "other", sig);
        vm.assertEq(management.measurementOf(id), "measurement");
    }

    function testFuzz_onlyTheKeyRegistersItsEnclave(uint256 key, uint256 other, bytes32 measurement)
        public
    {
        key = key % (ORDER - 1) + 1;
        other = other % (ORDER - 1) + 1;
        vm.assume(key != other);
        address id = vm.addr(key);
        bytes memory sig = signature(other, management.registrationDigest(id, measurement));
        vm.expectRevert(
            abi.encodeWithSelector(EnclaveRegistry.WrongSigner.selector, vm.addr(other), id)
        );
        management.registerEnclave(id, measurement, sig);
        management.registerEnclave(
            id, measurement, signature(key, management.registrationDigest(id, measurement))
        );
        vm.assertTrue(management.isAttested(id));
    }

    function test_aRegistrationForAnotherNetworkIsRefused() public {
        TenseqManagement here = management;
        setUp();
        address id = vm.addr(KEY);
        bytes memory sig = signature(KEY, management.registrationDigest(id, 0));
        vm.assertTrue(address(here) != address(management));
        try here.registerEnclave(id, 0, sig) {
            vm.assertTrue(false);
        } catch {
            vm.assertFalse(here.isAttested(id));
        }
    }

    function test_aHighSOrAnotherVIsRefused() public {
        address id = vm.addr(KEY);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, management.registrationDigest(id, 0));
        bytes32 high = bytes32(ORDER - uint256(s));
        vm.expectRevert(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high));
        management.registerEnclave(id, 0, abi.encodePacked(r, high, v == 27 ? 28 : 27));
        vm.expectRevert(ECDSA.ECDSAInvalidSignature.selector);
        management.registerEnclave(id, 0, abi.encodePacked(r, s, v - 27));
        vm.expectRevert(
            abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, uint256(64))
        );
        management.registerEnclave(id, 0, abi.encodePacked(r, s));
    }

    function test_afterTheGenesisOnlyRegisteredEnclavesAreGranted() public {
        address id = vm.addr(KEY);
        vm.expectRevert(abi.encodeWithSelector(EnclaveRegistry.NotRegistered.selector, id));
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(id);
        register(KEY);
        vm.expectEmit(address(management));
        emit EnclaveRegistry.SequencerEnclaveGranted(id);
        grant(id);
        vm.assertTrue(management.isSequencer(id));
    }

    function test_aRevokedBootstrapEnclaveMustRegisterToComeBack() public {
        vm.expectEmit(address(management));
        emit EnclaveRegistry.SequencerEnclaveRevoked(enclaves[0]);
        revoke(enclaves[0]);
        vm.assertFalse(management.isSequencer(enclaves[0]));
        vm.assertTrue(management.wasSequencer(enclaves[0]));
        vm.expectRevert(abi.encodeWithSelector(EnclaveRegistry.NotRegistered.selector, enclaves[0]));
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(enclaves[0]);
        register(keys[0]);
        grant(enclaves[0]);
        vm.assertTrue(management.isSequencer(enclaves[0]));
    }

    function test_grantsAndRevocationsThatChangeNothingAreRefused() public {
        register(keys[0]);
        vm.expectRevert(
            abi.encodeWithSelector(EnclaveRegistry.AlreadySequencer.selector, enclaves[0])
        );
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(enclaves[0]);
        vm.expectRevert(abi.encodeWithSelector(EnclaveRegistry.NotSequencer.selector, STRANGER));
        vm.prank(GOVERNANCE);
        management.revokeSequencerEnclave(STRANGER);
        vm.expectRevert(Network.ZeroAddress.selector);
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(address(0));
    }

    function test_theListHoldsSixtyFour() public {
        for (uint256 i = 3; i < 64; i++) {
            grant(register(0x1000 + i));
        }
        address id = register(0x2000);
        vm.expectRevert(EnclaveRegistry.TooManySequencers.selector);
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(id);
        vm.assertEq(management.sequencers().length, management.MAX_SEQUENCERS());
        revoke(enclaves[1]);
        grant(id);
    }

    function test_aPauseStopsRegistrationsButNotRevocations() public {
        address id = vm.addr(KEY);
        bytes memory sig = signature(KEY, management.registrationDigest(id, 0));
        pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        management.registerEnclave(id, 0, sig);
        revoke(enclaves[0]);
        vm.assertFalse(management.isSequencer(enclaves[0]));
    }

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_theListIsWhatWasGrantedAndNotRevoked(uint256 grants, uint256 revocations)
        public
    {
        for (uint256 i = 0; i < 40; i++) {
            address id = register(0x3000 + i);
            if (grants >> i & 1 == 1) grant(id);
            if ((grants & revocations) >> i & 1 == 1) revoke(id);
        }
        uint256 count = 3;
        for (uint256 i = 0; i < 40; i++) {
            bool isListed = (grants & ~revocations) >> i & 1 == 1;
            vm.assertEq(management.isSequencer(vm.addr(0x3000 + i)), isListed);
            vm.assertEq(management.wasSequencer(vm.addr(0x3000 + i)), grants >> i & 1 == 1);
            if (isListed) count++;
        }
        vm.assertEq(management.sequencers().length, count);
    }
}
