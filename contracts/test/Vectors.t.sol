// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {TenseqManagement} from "../src/TenseqManagement.sol";
import {BatchHeader, Rollup, SealedHeader} from "../src/Types.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

/// @notice The contract, deployed from the kept artifact, against what Foundry's cast made: the vectors of
///         tests/vectors, which the C code passes, and those of contracts/vectors, which it passes too.
contract VectorsTest is KitTest {
    string private constant OURS = "contracts/vectors/management.json";
    string private constant SHARED = "tests/vectors/eip712.json";
    string private constant ARTIFACT = "contracts/artifacts/TenseqManagement.json";
    /// @dev Anvil's first account, whose first contract the vectors are for.
    address private constant DEPLOYER = 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266;

    string private json;

    function setUp() public override {
        bytes memory code = vm.parseJsonBytes(vm.readFile(ARTIFACT), ".bytecode");
        code = abi.encodePacked(code, abi.encode(GOVERNANCE, OPERATOR, params()));
        json = vm.readFile(OURS);
        vm.prank(DEPLOYER);
        address made;
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        management = TenseqManagement(made);
        vm.assertEq(made, vm.parseJsonAddress(json, ".domain.verifyingContract"));
        for (uint256 i = 0; i < 3; i++) {
            grant(addressAt(string.concat(".enclaves[", vm.toString(i), "]")));
        }
        vm.prank(GOVERNANCE);
        management.setGenesis(wordAt(".domain.salt"));
        vm.roll(1_000);
    }

    function numberAt(string memory path) private view returns (uint64) {
        return uint64(vm.parseJsonUint(json, path));
    }

    function wordAt(string memory path) private view returns (bytes32) {
        return vm.parseJsonBytes32(json, path);
    }

    function addressAt(string memory path) private view returns (address) {
        return vm.parseJsonAddress(json, path);
    }

    function bytesAt(string memory path) private view returns (bytes memory) {
        return vm.parseJsonBytes(json, path);
    }

    function headerAt(string memory path) private view returns (BatchHeader memory) {
        return BatchHeader({
            parentHash: wordAt(string.concat(path, ".parentHash")),
            number: numberAt(string.concat(path, ".number")),
            time: numberAt(string.concat(path, ".time")),
            term: numberAt(string.concat(path, ".term")),
            producer: addressAt(string.concat(path, ".producer")),
            l1Number: numberAt(string.concat(path, ".l1Number")),
            l1Hash: wordAt(string.concat(path, ".l1Hash")),
            txRoot: wordAt(string.concat(path, ".txRoot")),
            stateRoot: wordAt(string.concat(path, ".stateRoot"))
        });
    }

    function rollupAt(string memory path) private view returns (Rollup memory) {
        return Rollup({
            firstNumber: numberAt(string.concat(path, ".firstNumber")),
            lastNumber: numberAt(string.concat(path, ".lastNumber")),
            firstParentHash: wordAt(string.concat(path, ".firstParentHash")),
            lastHash: wordAt(string.concat(path, ".lastHash")),
            protocolRoot: wordAt(string.concat(path, ".protocolRoot")),
            l1Number: numberAt(string.concat(path, ".l1Number")),
            l1Hash: wordAt(string.concat(path, ".l1Hash")),
            dataHash: wordAt(string.concat(path, ".dataHash"))
        });
    }

    function sealedAt(string memory path) private view returns (SealedHeader memory s) {
        s.header = headerAt(string.concat(path, ".header"));
        s.protocolRoot = wordAt(string.concat(path, ".protocolRoot"));
        s.seal = bytesAt(string.concat(path, ".seal"));
        bytes32 hash = management.batchHash(s.header);
        vm.assertEq(hash, wordAt(string.concat(path, ".batchHash")));
        vm.assertEq(
            management.sealDigest(hash, s.protocolRoot), wordAt(string.concat(path, ".sealDigest"))
        );
    }

    function test_theShippedCodeIsTheTestedCode() public view {
        bytes memory shipped = vm.parseJsonBytes(vm.readFile(ARTIFACT), ".bytecode");
        vm.assertEq(shipped, vm.getCode("TenseqManagement.sol:TenseqManagement"));
    }

    function test_theSeparator() public view {
        vm.assertEq(management.domainSeparator(), wordAt(".separator"));
    }

    function test_registrations() public {
        uint256 count = 0;
        while (vm.keyExistsJson(json, string.concat(".registrations[", vm.toString(count), "]"))) {
            string memory path = string.concat(".registrations[", vm.toString(count++), "]");
            address id = addressAt(string.concat(path, ".enclaveId"));
            bytes32 measurement = wordAt(string.concat(path, ".measurement"));
            vm.assertEq(
                management.registrationDigest(id, measurement),
                wordAt(string.concat(path, ".digest"))
            );
            management.registerEnclave(id, measurement, bytesAt(string.concat(path, ".signature")));
            vm.assertEq(management.measurementOf(id), measurement);
        }
        vm.assertEq(count, 2);
    }

    function test_equivocations() public {
        uint256 count = 0;
        while (vm.keyExistsJson(json, string.concat(".equivocations[", vm.toString(count), "]"))) {
            string memory path = string.concat(".equivocations[", vm.toString(count++), "]");
            management.reportEquivocation(
                sealedAt(string.concat(path, ".a")), sealedAt(string.concat(path, ".b"))
            );
        }
        vm.assertEq(count, 3);
    }

    function test_aRollup() public {
        Rollup memory r = rollupAt(".rollups[0].rollup");
        vm.assertEq(management.rollupDigest(r), wordAt(".rollups[0].digest"));
        vm.setBlockhash(r.l1Number, r.l1Hash);
        publish(r, bytesAt(".rollups[0].signature"), bytesAt(".rollups[0].data"));
        vm.assertEq(management.lastNumber(), r.lastNumber);
    }

    /// @dev The vectors that the C code is tested with, as far as they are for this network.
    function test_theVectorsOfTheCCode() public {
        json = vm.readFile(SHARED);
        uint256 count = 0;
        for (
            uint256 i = 0;
            vm.keyExistsJson(json, string.concat(".vectors[", vm.toString(i), "]"));
            i++
        ) {
            string memory path = string.concat(".vectors[", vm.toString(i), "]");
            if (wordAt(string.concat(path, ".separator")) != management.domainSeparator()) {
                continue;
            }
            bytes32 digest = digestOf(path);
            if (digest == 0) continue;
            vm.assertEq(digest, wordAt(string.concat(path, ".digest")));
            address signer = ECDSA.recover(digest, bytesAt(string.concat(path, ".signature")));
            vm.assertEq(signer, addressAt(string.concat(path, ".address")));
            count++;
        }
        vm.assertEq(count, 8); // two of each type
    }

    /// @dev 0 for types that the contract does not know.
    function digestOf(string memory path) private view returns (bytes32) {
        bytes32 kind = keccak256(bytes(vm.parseJsonString(json, string.concat(path, ".type"))));
        path = string.concat(path, ".value");
        if (kind == keccak256("BatchHeader")) return management.batchHash(headerAt(path));
        if (kind == keccak256("EnclaveRegistration")) {
            return management.registrationDigest(
                addressAt(string.concat(path, ".enclaveId")),
                wordAt(string.concat(path, ".measurement"))
            );
        }
        if (kind == keccak256("Rollup")) return management.rollupDigest(rollupAt(path));
        if (kind != keccak256("BatchSeal")) return 0;
        return management.sealDigest(
            wordAt(string.concat(path, ".batchHash")), wordAt(string.concat(path, ".protocolRoot"))
        );
    }
}
