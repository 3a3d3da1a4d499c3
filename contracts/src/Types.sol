// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @notice The header of a batch. Its EIP-712 digest is the batch hash. (docs/protocol.md, section 1)
struct BatchHeader {
    bytes32 parentHash;
    uint64 number;
    uint64 time;
    uint64 term;
    address producer;
    uint64 l1Number;
    bytes32 l1Hash;
    bytes32 txRoot;
    bytes32 stateRoot;
}

/// @notice A header with what its producer signed: `seal` is the 65-byte signature r ‖ s ‖ v over
///         BatchSeal(batchHash, protocolRoot).
struct SealedHeader {
    BatchHeader header;
    bytes32 protocolRoot;
    bytes seal;
}

/// @notice What an enclave signs of a rollup. (docs/protocol.md, section 6)
struct Rollup {
    uint64 firstNumber;
    uint64 lastNumber;
    bytes32 firstParentHash;
    bytes32 lastHash;
    bytes32 protocolRoot;
    uint64 l1Number;
    bytes32 l1Hash;
    bytes32 dataHash;
}

/// @notice The terms of the operator's bond, fixed at deployment.
/// @param minimumBond      wei that stay posted while any enclave is on the list; at least slashAmount
/// @param slashAmount      wei that one equivocation costs, or all that is there if that is less
/// @param reporterShareBps the reporter's part of it in basis points, at most 5,000
/// @param withdrawalDelay  seconds between the request of a withdrawal and the withdrawal, 1 to 365 days
/// @param treasury         who gets the rest; must not be the operator's
struct BondParams {
    uint128 minimumBond;
    uint128 slashAmount;
    uint16 reporterShareBps;
    uint32 withdrawalDelay;
    address treasury;
}
