// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {DataAvailability} from "../src/DataAvailability.sol";
import {EnclaveRegistry} from "../src/EnclaveRegistry.sol";
import {Network} from "../src/Network.sol";
import {TenseqManagement} from "../src/TenseqManagement.sol";
import {Rollup} from "../src/Types.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

/// @notice Hides what it passes on.
contract Wrapper {
    function pass(TenseqManagement to, bytes calldata input) external returns (bool isTaken) {
        (isTaken,) = address(to).call(input);
    }
}

contract DataAvailabilityTest is KitTest {
    bytes private constant DATA = "columns";

    function refuses(bytes memory why, Rollup memory r) private {
        bytes memory sig = signRollup(keys[0], r);
        vm.expectRevert(why);
        publish(r, sig, DATA);
        vm.assertEq(management.lastNumber(), 0);
    }

    function test_aRollupIsTakenAndTold() public {
        Rollup memory r = nextRollup(100, DATA);
        bytes memory sig = signRollup(keys[1], r);
        vm.expectEmit(address(management));
        emit DataAvailability.RollupPublished(
            1, 100, r.lastHash, r.protocolRoot, r.dataHash, r.l1Number, enclaves[1], sig
        );
        publish(r, sig, DATA);
        vm.assertEq(management.lastNumber(), 100);
        vm.assertEq(management.lastHash(), r.lastHash);
        vm.assertEq(management.rollupHash(1), management.rollupDigest(r));
        vm.assertEq(management.lastRollupBlock(), block.number);
    }

    function test_rollupsFollowEachOther() public {
        Rollup memory first = nextRollup(1, DATA);
        publish(first, signRollup(keys[0], first), DATA);
        Rollup memory second = nextRollup(7, "");
        vm.assertEq(second.firstNumber, 2);
        publish(second, signRollup(keys[2], second), "");
        vm.assertEq(management.lastNumber(), 8);
        vm.assertTrue(management.rollupHash(1) != 0 && management.rollupHash(2) != 0);
        vm.assertEq(management.rollupHash(3), bytes32(0));
    }

    function test_gapsOverlapsAndRepetitionsAreRefused() public {
        Rollup memory r = nextRollup(5, DATA);
        bytes memory sig = signRollup(keys[0], r);
        publish(r, sig, DATA);
        vm.expectRevert(abi.encodeWithSelector(DataAvailability.NotNext.selector, 1, 6));
        publish(r, sig, DATA);
        r = nextRollup(5, DATA);
        r.firstNumber = 7;
        sig = signRollup(keys[0], r);
        vm.expectRevert(abi.encodeWithSelector(DataAvailability.NotNext.selector, 7, 6));
        publish(r, sig, DATA);
        r.firstNumber = 5;
        sig = signRollup(keys[0], r);
        vm.expectRevert(abi.encodeWithSelector(DataAvailability.NotNext.selector, 5, 6));
        publish(r, sig, DATA);
        vm.assertEq(management.lastNumber(), 5);
    }

    function test_anEmptyRangeIsRefused() public {
        Rollup memory r = nextRollup(1, DATA);
        r.lastNumber = 0;
        refuses(abi.encodeWithSelector(DataAvailability.EmptyRange.selector, 1, 0), r);
    }

    function test_aRangeIsBounded() public {
        uint64 most = uint64(management.MAX_BATCHES());
        vm.assertEq(most, 16_384);
        Rollup memory r = nextRollup(most + 1, DATA);
        refuses(abi.encodeWithSelector(DataAvailability.RangeTooLong.selector, 1, most + 1), r);
        r.lastNumber = type(uint64).max;
        refuses(
            abi.encodeWithSelector(DataAvailability.RangeTooLong.selector, 1, type(uint64).max), r
        );
        r = nextRollup(most, DATA);
        publish(r, signRollup(keys[0], r), DATA);
        vm.assertEq(management.lastNumber(), most);
    }

    function test_anotherParentIsRefused() public {
        Rollup memory r = nextRollup(1, DATA);
        r.firstParentHash = "other";
        refuses(
            abi.encodeWithSelector(
                DataAvailability.WrongParent.selector, bytes32("other"), GENESIS
            ),
            r
        );
    }

    function test_theL1ReferenceIsARecentBlock() public {
        Rollup memory r = nextRollup(1, DATA);
        r.l1Hash = "another chain's";
        refuses(notRecent(r), r);
        r.l1Hash = 0;
        refuses(notRecent(r), r);
        r.l1Number = uint64(block.number);
        refuses(notRecent(r), r);
        r.l1Number = uint64(block.number) + 1;
        refuses(notRecent(r), r);
        r.l1Number = 0;
        refuses(notRecent(r), r);
    }

    function notRecent(Rollup memory r) private pure returns (bytes memory) {
        return abi.encodeWithSelector(DataAvailability.NotRecent.selector, r.l1Number, r.l1Hash);
    }

    function test_anOlderBlockIsFoundWhereL1KeepsItsHash() public {
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        vm.roll(block.number + 1_000);
        vm.expectRevert(notRecent(r));
        publish(r, sig, DATA);
        // The history contract of EIP-2935; this one answers with the one hash it knows.
        vm.etch(
            0x0000F90827F1C53a10cb7A02335B175320002935,
            abi.encodePacked(hex"7f", r.l1Hash, hex"5f5260205ff3")
        );
        publish(r, sig, DATA);
        vm.assertEq(management.lastNumber(), 1);
    }

    function test_theSignerIsOnTheListNow() public {
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        revoke(enclaves[0]);
        bytes memory why =
            abi.encodeWithSelector(EnclaveRegistry.NotSequencer.selector, enclaves[0]);
        vm.expectRevert(why);
        publish(r, sig, DATA);
        register(keys[0]);
        vm.expectRevert(why);
        publish(r, sig, DATA);
        grant(enclaves[0]);
        publish(r, sig, DATA);
        vm.assertEq(management.lastNumber(), 1);
    }

    function test_anotherNetworksRollupIsRefused() public {
        TenseqManagement here = management;
        setUp();
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        management = here;
        vm.expectRevert();
        publish(r, sig, DATA);
    }

    function test_theDataIsWhatWasSigned() public {
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        vm.expectRevert(
            abi.encodeWithSelector(
                DataAvailability.WrongData.selector, r.dataHash, keccak256("other")
            )
        );
        publish(r, sig, "other");
    }

    function test_theDataIsBounded() public {
        bytes memory most = new bytes(management.MAX_DATA());
        bytes memory tooMuch = new bytes(most.length + 1);
        Rollup memory r = nextRollup(1, tooMuch);
        bytes memory sig = signRollup(keys[0], r);
        vm.expectRevert(
            abi.encodeWithSelector(DataAvailability.DataTooLong.selector, tooMuch.length)
        );
        publish(r, sig, tooMuch);
        r = nextRollup(1, most);
        publish(r, signRollup(keys[0], r), most);
        vm.assertEq(management.lastNumber(), 1);
    }

    function test_aRollupCannotComeThroughAContract() public {
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        bytes memory input = abi.encodeCall(management.publishRollup, (r, sig, DATA));
        Wrapper wrapper = new Wrapper();
        vm.prank(STRANGER, STRANGER);
        vm.assertFalse(wrapper.pass(management, input));
        // An account that has delegated itself to code, and calls from there (EIP-7702).
        vm.etch(STRANGER, abi.encodePacked(hex"ef0100", address(wrapper)));
        vm.expectRevert(DataAvailability.NotDirect.selector);
        publish(r, sig, DATA);
        vm.etch(STRANGER, "");
        publish(r, sig, DATA);
    }

    function test_onlyTheUsualLayoutOfTheInputIsTaken() public {
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        (bytes memory s, bytes memory d) = (tail(sig), tail(DATA));
        refusesLayout(abi.encodePacked(laidOut(r, 320, 448, s, d), bytes32(0)));
        // A word of nothing before both, or between them; the data first.
        refusesLayout(laidOut(r, 352, 480, abi.encodePacked(bytes32(0), s), d));
        refusesLayout(laidOut(r, 320, 480, abi.encodePacked(s, bytes32(0)), d));
        refusesLayout(laidOut(r, 384, 320, d, s));
        // The same bytes as both, where nothing else is amiss.
        refusesLayout(laidOut(r, 320, 320, s, s));
        refusesLayout(laidOut(r, 448, 448, s, s));
        vm.assertEq(
            laidOut(r, 320, 448, s, d), abi.encodeCall(management.publishRollup, (r, sig, DATA))
        );
        vm.assertEq(sends(laidOut(r, 320, 448, s, d)), "");
        vm.assertEq(management.lastNumber(), 1);
    }

    function refusesLayout(bytes memory input) private {
        vm.assertEq(sends(input), abi.encodePacked(DataAvailability.NotCanonical.selector));
    }

    function laidOut(
        Rollup memory r,
        uint256 signatureAt,
        uint256 dataAt,
        bytes memory first,
        bytes memory second
    ) private view returns (bytes memory) {
        bytes memory head = abi.encode(r, signatureAt, dataAt);
        return abi.encodePacked(management.publishRollup.selector, head, first, second);
    }

    function tail(bytes memory b) private pure returns (bytes memory) {
        return abi.encodePacked(b.length, b, new bytes((32 - b.length % 32) % 32));
    }

    /// @dev What is given back: nothing if it was taken.
    function sends(bytes memory input) private returns (bytes memory answer) {
        vm.prank(STRANGER, STRANGER);
        (, answer) = address(management).call(input);
    }

    function taken(uint64 count) private returns (Rollup memory r) {
        r = nextRollup(count, DATA);
        publish(r, signRollup(keys[0], r), DATA);
    }

    function rollsBack(Rollup memory kept, Rollup[] memory dropped) private {
        vm.prank(GOVERNANCE);
        management.rollBackRollups(kept, dropped);
    }

    function refusesRollBack(bytes memory why, Rollup memory kept, Rollup[] memory dropped)
        private
    {
        bytes32 hash = management.lastHash();
        vm.expectRevert(why);
        rollsBack(kept, dropped);
        vm.assertEq(management.lastHash(), hash);
    }

    function none() private pure returns (Rollup memory r) {}

    function list(Rollup memory a) private pure returns (Rollup[] memory l) {
        l = new Rollup[](1);
        l[0] = a;
    }

    function list(Rollup memory a, Rollup memory b) private pure returns (Rollup[] memory l) {
        l = new Rollup[](2);
        (l[0], l[1]) = (a, b);
    }

    function test_governanceRollsBack() public {
        Rollup memory a = taken(10);
        Rollup memory b = taken(5);
        Rollup memory c = taken(1);
        vm.roll(block.number + 3);
        vm.expectEmit(address(management));
        emit DataAvailability.RollupsRolledBack(11, 16, a.lastHash, a.protocolRoot);
        rollsBack(a, list(b, c));
        vm.assertEq(management.lastNumber(), 10);
        vm.assertEq(management.lastHash(), a.lastHash);
        vm.assertEq(management.lastRollupBlock(), block.number);
        vm.assertEq(management.rollupHash(1), management.rollupDigest(a));
        vm.assertEq(management.rollupHash(11), bytes32(0));
        vm.assertEq(management.rollupHash(16), bytes32(0));
        Rollup memory d = taken(7);
        vm.assertEq(d.firstNumber, 11);
        vm.assertEq(management.lastNumber(), 17);
        vm.assertEq(management.rollupHash(11), management.rollupDigest(d));
    }

    function test_allRollupsCanGoAlsoWhilePaused() public {
        Rollup memory a = taken(10);
        Rollup memory b = taken(5);
        pause();
        rollsBack(a, list(b)); // the newest first
        Rollup memory zero = none();
        zero.protocolRoot = "not looked at";
        vm.expectEmit(address(management));
        emit DataAvailability.RollupsRolledBack(1, 10, GENESIS, 0);
        rollsBack(zero, list(a));
        vm.assertEq(management.lastNumber(), 0);
        vm.assertEq(management.lastHash(), GENESIS);
        vm.assertEq(management.rollupHash(1), bytes32(0));
        vm.prank(GOVERNANCE);
        management.unpause();
        publish(a, signRollup(keys[0], a), DATA); // the same again
        vm.assertEq(management.rollupHash(1), management.rollupDigest(a));
    }

    function test_onlyGovernanceRollsBack() public {
        Rollup memory a = taken(10);
        vm.expectRevert(missingRole(OPERATOR, management.GOVERNANCE_ROLE()));
        vm.prank(OPERATOR);
        management.rollBackRollups(none(), list(a));
        vm.assertEq(management.lastNumber(), 10);
    }

    function test_onlyWhatIsThereIsRolledBack() public {
        Rollup memory a = taken(10);
        Rollup memory b = taken(5);
        Rollup memory c = taken(1);
        refusesRollBack(
            abi.encodeWithSelector(DataAvailability.NothingToRollBack.selector), a, new Rollup[](0)
        );
        // Not all that follow, or one left out, or none that stays although one does.
        refusesRollBack(
            abi.encodeWithSelector(DataAvailability.NotNewest.selector, 15, 16), a, list(b)
        );
        refusesRollBack(
            abi.encodeWithSelector(DataAvailability.NotNext.selector, 16, 11), a, list(c)
        );
        refusesRollBack(
            abi.encodeWithSelector(DataAvailability.NotNext.selector, 11, 1), none(), list(b, c)
        );
        // Bent ones.
        Rollup memory bent = none();
        bent.lastNumber = 10;
        bytes memory why = abi.encodeWithSelector(DataAvailability.NotTaken.selector, 0);
        refusesRollBack(why, bent, list(b, c));
        (a.lastHash, bent.lastHash) = ("other", a.lastHash);
        why = abi.encodeWithSelector(DataAvailability.NotTaken.selector, 1);
        refusesRollBack(why, a, list(b, c));
        a.lastHash = bent.lastHash;
        b.lastNumber = 16;
        why = abi.encodeWithSelector(DataAvailability.NotTaken.selector, 11);
        refusesRollBack(why, a, list(b));
        b.lastNumber = 15;
        rollsBack(a, list(b, c));
        // What was taken back is there no more.
        taken(20);
        why = abi.encodeWithSelector(DataAvailability.NotTaken.selector, 11);
        refusesRollBack(why, a, list(b));
    }

    function testFuzz_whatStaysIsAsItWas(uint8[6] memory counts, uint256 keep) public {
        Rollup[] memory all = new Rollup[](counts.length);
        keep = keep % counts.length;
        for (uint256 i = 0; i < counts.length; i++) {
            all[i] = taken(uint64(counts[i]) + 1);
        }
        Rollup[] memory dropped = new Rollup[](counts.length - keep);
        for (uint256 i = keep; i < counts.length; i++) {
            dropped[i - keep] = all[i];
        }
        rollsBack(keep == 0 ? none() : all[keep - 1], dropped);
        vm.assertEq(management.lastNumber(), all[keep].firstNumber - 1);
        vm.assertEq(management.lastHash(), all[keep].firstParentHash);
        for (uint256 i = 0; i < counts.length; i++) {
            bytes32 want = i < keep ? management.rollupDigest(all[i]) : bytes32(0);
            vm.assertEq(management.rollupHash(all[i].firstNumber), want);
        }
    }

    function test_aPauseStopsRollups() public {
        Rollup memory r = nextRollup(1, DATA);
        bytes memory sig = signRollup(keys[0], r);
        pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        publish(r, sig, DATA);
    }

    function test_withoutAGenesisThereAreNoRollups() public {
        deploy();
        Rollup memory r = nextRollup(1, DATA);
        vm.expectRevert(Network.GenesisNotSet.selector);
        publish(r, new bytes(65), DATA);
    }

    function testFuzz_anyDataOfAnyRangesIsTakenInOrder(
        bytes[4] memory data,
        uint32[4] memory counts
    ) public {
        uint64 expected = 0;
        for (uint256 i = 0; i < data.length; i++) {
            Rollup memory r = nextRollup(uint64(counts[i]) % 16_384 + 1, data[i]);
            publish(r, signRollup(keys[i % 3], r), data[i]);
            expected += uint64(counts[i]) % 16_384 + 1;
            vm.assertEq(management.lastNumber(), expected);
            vm.assertEq(management.lastHash(), r.lastHash);
            vm.assertEq(management.rollupHash(r.firstNumber), management.rollupDigest(r));
        }
    }
}
