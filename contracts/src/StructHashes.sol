// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {BatchHeader, Rollup} from "./Types.sol";

/// @title EIP-712 struct hashes of what enclaves sign
/// @notice The types are those of docs/protocol.md, section 1, and of src/codec/types_table.c.
///         `abi.encode` refuses a uint64 or address with dirty upper bits, so one struct has one hash.
library StructHashes {
    bytes32 internal constant BATCH_HEADER = keccak256(
        "BatchHeader(bytes32 parentHash,uint64 number,uint64 time,uint64 term,address producer,"
        "uint64 l1Number,bytes32 l1Hash,bytes32 txRoot,bytes32 stateRoot)"
    );
    bytes32 internal constant BATCH_SEAL =
        keccak256("BatchSeal(bytes32 batchHash,bytes32 protocolRoot)");
    bytes32 internal constant ROLLUP = keccak256(
        "Rollup(uint64 firstNumber,uint64 lastNumber,bytes32 firstParentHash,bytes32 lastHash,"
        "bytes32 protocolRoot,uint64 l1Number,bytes32 l1Hash,bytes32 dataHash)"
    );
    bytes32 internal constant ENCLAVE_REGISTRATION =
        keccak256("EnclaveRegistration(address enclaveId,bytes32 measurement)");

    function header(BatchHeader calldata h) internal pure returns (bytes32) {
        return keccak256(abi.encode(BATCH_HEADER, h));
    }

    function batchSeal(bytes32 batchHash, bytes32 protocolRoot) internal pure returns (bytes32) {
        return keccak256(abi.encode(BATCH_SEAL, batchHash, protocolRoot));
    }

    function rollup(Rollup calldata r) internal pure returns (bytes32) {
        return keccak256(abi.encode(ROLLUP, r));
    }

    function registration(address enclaveId, bytes32 measurement) internal pure returns (bytes32) {
        return keccak256(abi.encode(ENCLAVE_REGISTRATION, enclaveId, measurement));
    }
}
