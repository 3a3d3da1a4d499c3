// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {EnclaveRegistry} from "../src/EnclaveRegistry.sol";
import {Equivocation} from "../src/Equivocation.sol";
import {Network} from "../src/Network.sol";
import {TenseqManagement} from "../src/TenseqManagement.sol";
import {BatchHeader, SealedHeader} from "../src/Types.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

contract EquivocationTest is KitTest {
    function setUp() public override {
        super.setUp();
        post(2 * MINIMUM);
    }

    function report(SealedHeader memory a, SealedHeader memory b) private {
        vm.prank(REPORTER);
        management.reportEquivocation(a, b);
    }

    function refuses(bytes memory why, SealedHeader memory a, SealedHeader memory b) private {
        vm.expectRevert(why);
        report(a, b);
        vm.expectRevert(why);
        report(b, a);
        vm.assertEq(management.bond(), 2 * MINIMUM);
    }

    function refuses(bytes4 why, SealedHeader memory a, SealedHeader memory b) private {
        refuses(abi.encodePacked(why), a, b);
    }

    /// @dev The event that must come; what it says does not depend on the order of the two.
    function expectProof(SealedHeader memory a, SealedHeader memory b) private {
        (bytes32 hashA, bytes32 hashB) =
            (management.batchHash(a.header), management.batchHash(b.header));
        bool isOrdered = management.sealDigest(hashA, a.protocolRoot)
            < management.sealDigest(hashB, b.protocolRoot);
        (address signerA, address signerB) = (a.header.producer, b.header.producer);
        if (!isOrdered) {
            (hashA, hashB, signerA, signerB) = (hashB, hashA, signerB, signerA);
        }
        vm.expectEmit(address(management));
        emit Equivocation.EquivocationProven(
            a.header.number, signerA, signerB, hashA, hashB, REPORTER
        );
    }

    function test_twoBatchesByOneEnclaveAreProven() public {
        (SealedHeader memory a, SealedHeader memory b) =
            (sealedBy(keys[0], "x"), sealedBy(keys[0], "y"));
        expectProof(a, b);
        report(a, b);
        vm.assertEq(management.bond(), 2 * MINIMUM - SLASH);
        vm.assertTrue(management.isSlashed("parent"));
    }

    function test_twoBatchesByTwoEnclavesAreProvenInEitherOrder() public {
        (SealedHeader memory a, SealedHeader memory b) =
            (sealedBy(keys[0], "x"), sealedBy(keys[1], "x"));
        expectProof(a, b);
        report(a, b);
        setUp();
        (a, b) = (sealedBy(keys[0], "x"), sealedBy(keys[1], "x"));
        expectProof(a, b);
        report(b, a);
    }

    function test_oneHeaderWithTwoPayloadsIsProven() public {
        BatchHeader memory h = header(keys[0], 8, "parent", "x");
        (SealedHeader memory a, SealedHeader memory b) =
            (seal(keys[0], h, "root"), seal(keys[0], h, "another root"));
        expectProof(a, b);
        report(a, b);
        vm.assertEq(management.bond(), 2 * MINIMUM - SLASH);
    }

    function test_aPairCountsOnceInWhicheverOrder() public {
        (SealedHeader memory a, SealedHeader memory b) =
            (sealedBy(keys[0], "x"), sealedBy(keys[1], "y"));
        report(a, b);
        bytes32 hashA = management.sealDigest(management.batchHash(a.header), a.protocolRoot);
        bytes32 hashB = management.sealDigest(management.batchHash(b.header), b.protocolRoot);
        bytes32 pair =
            keccak256(hashA < hashB ? abi.encode(hashA, hashB) : abi.encode(hashB, hashA));
        vm.assertTrue(management.isProven(pair));
        bytes memory why = abi.encodeWithSelector(Equivocation.AlreadyProven.selector, pair);
        vm.expectRevert(why);
        report(a, b);
        vm.expectRevert(why);
        report(b, a);
        vm.assertEq(management.bond(), 2 * MINIMUM - SLASH);
    }

    function test_moreSealsOnOneParentAreProvenButSlashedOnce() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "y");
        SealedHeader memory c = sealedBy(keys[1], "z");
        report(a, b);
        expectProof(a, c);
        report(a, c);
        expectProof(b, c);
        report(b, c);
        vm.assertEq(management.bond(), 2 * MINIMUM - SLASH);
        BatchHeader memory h = header(keys[0], 9, "another parent", "x");
        report(seal(keys[0], h, "root"), seal(keys[0], h, "another root"));
        vm.assertEq(management.bond(), 2 * MINIMUM - 2 * SLASH);
    }

    function test_oneSealTwiceProvesNothing() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        refuses(Equivocation.SameSeal.selector, a, a);
    }

    function test_aBentSignatureOfTheSameSealProvesNothing() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "x");
        bytes32 digest = management.sealDigest(management.batchHash(a.header), a.protocolRoot);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], digest);
        bytes32 high = bytes32(ORDER - uint256(s));
        b.seal = abi.encodePacked(r, high, v == 27 ? 28 : 27);
        refuses(abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureS.selector, high), a, b);
        b.seal = abi.encodePacked(r, s, v - 27);
        refuses(ECDSA.ECDSAInvalidSignature.selector, a, b);
        b.seal = abi.encodePacked(a.seal, bytes1(0));
        refuses(
            abi.encodeWithSelector(ECDSA.ECDSAInvalidSignatureLength.selector, uint256(66)), a, b
        );
    }

    function test_otherNumbersOrParentsAreNotTwoLines() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = seal(keys[0], header(keys[0], 9, "parent", "x"), "root");
        refuses(Equivocation.NotOneParent.selector, a, b);
        b = seal(keys[0], header(keys[0], 8, "another", "x"), "root");
        refuses(Equivocation.NotOneParent.selector, a, b);
        a = seal(keys[0], header(keys[0], 0, "parent", "x"), "root");
        b = seal(keys[0], header(keys[0], 0, "parent", "y"), "root");
        refuses(Equivocation.NotOneParent.selector, a, b);
    }

    function test_anotherNetworksSealsProveNothing() public {
        TenseqManagement here = management;
        super.setUp();
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "y");
        management = here;
        bytes32 digest = management.sealDigest(management.batchHash(a.header), a.protocolRoot);
        address nobody = ECDSA.recover(digest, a.seal);
        vm.assertTrue(nobody != enclaves[0]);
        vm.expectRevert(
            abi.encodeWithSelector(EnclaveRegistry.WrongSigner.selector, nobody, enclaves[0])
        );
        report(a, b);
    }

    function test_aKeyThatWasNeverListedProvesNothing() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(0xbad, "y");
        bytes memory why =
            abi.encodeWithSelector(Equivocation.NeverSequencer.selector, vm.addr(0xbad));
        refuses(why, a, b);
        register(0xbad);
        refuses(why, a, b);
    }

    function test_whoSignsForAnotherProvesNothing() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = seal(keys[1], header(keys[0], 8, "parent", "y"), "root");
        refuses(
            abi.encodeWithSelector(EnclaveRegistry.WrongSigner.selector, enclaves[1], enclaves[0]),
            a,
            b
        );
    }

    function test_aRevokedEnclaveStillAnswersAlsoWhilePaused() public {
        revoke(enclaves[0]);
        pause();
        report(sealedBy(keys[0], "x"), sealedBy(keys[0], "y"));
        vm.assertEq(management.bond(), 2 * MINIMUM - SLASH);
    }

    function test_withoutAGenesisNothingIsProven() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "y");
        deploy();
        vm.expectRevert(Network.GenesisNotSet.selector);
        report(a, b);
    }

    function test_aNumberWithDirtyBitsIsRefused() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "y");
        bytes memory input = abi.encodeCall(management.reportEquivocation, (a, b));
        // Behind the selector and two offsets: the first struct, whose third word is the time.
        input[4 + 32 * 2 + 32 * 2] = 0x01;
        (bool isTaken,) = address(management).call(input);
        vm.assertFalse(isTaken);
        input[4 + 32 * 2 + 32 * 2] = 0x00;
        (isTaken,) = address(management).call(input);
        vm.assertTrue(isTaken);
    }

    /// @dev Any two different batches on one parent are proven, whatever their fields.
    function testFuzz_anyDifferenceIsProven(BatchHeader memory h, uint8 which, bytes32 root)
        public
    {
        if (h.number == 0) h.number = 1;
        h.producer = enclaves[1];
        SealedHeader memory a = seal(keys[1], h, root);
        which = which % 7;
        if (which == 0) h.time ^= 1;
        if (which == 1) h.term ^= 1;
        if (which == 2) h.l1Number ^= 1;
        if (which == 3) h.l1Hash = ~h.l1Hash;
        if (which == 4) h.txRoot = ~h.txRoot;
        if (which == 5) h.stateRoot = ~h.stateRoot;
        if (which == 6) root = ~root;
        SealedHeader memory b = seal(keys[1], h, root);
        if (which < 6) a.header = copyWithout(h, which);
        expectProof(a, b);
        report(a, b);
    }

    /// @dev Memory is by reference: what `h` was before the difference was made.
    function copyWithout(BatchHeader memory h, uint8 which)
        private
        pure
        returns (BatchHeader memory c)
    {
        c = abi.decode(abi.encode(h), (BatchHeader));
        if (which == 0) c.time ^= 1;
        if (which == 1) c.term ^= 1;
        if (which == 2) c.l1Number ^= 1;
        if (which == 3) c.l1Hash = ~c.l1Hash;
        if (which == 4) c.txRoot = ~c.txRoot;
        if (which == 5) c.stateRoot = ~c.stateRoot;
    }

    /// @dev Whatever the signature's bytes, they prove nothing unless they are a listed key's.
    function testFuzz_randomSignaturesProveNothing(bytes32 r, bytes32 s, uint8 v) public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "y");
        b.seal = abi.encodePacked(r, s, v);
        vm.prank(REPORTER);
        try management.reportEquivocation(a, b) {
            vm.assertTrue(false);
        } catch {
            vm.assertEq(management.bond(), 2 * MINIMUM);
        }
    }
}
