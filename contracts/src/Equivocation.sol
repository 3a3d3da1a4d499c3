// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";

import {Bond} from "./Bond.sol";
import {StructHashes} from "./StructHashes.sol";
import {BatchHeader, SealedHeader} from "./Types.sol";

/// @title Two seals for one number
/// @notice Two batches of one number on one parent, both sealed by enclaves that were on the list, with
///         different hashes or different protocol roots: no honest operator lets two such seals out. The
///         rule is the one of the auditors (src/audit/equivocation.c).
abstract contract Equivocation is Bond {
    /// @dev digest: of the seal; commits to batch hash and protocol root.
    struct Seal {
        bytes32 digest;
        bytes32 batchHash;
        address signer;
    }

    /// @notice Whether two seals, named by the commutative Keccak-256 of their digests, were proven.
    mapping(bytes32 pair => bool) public isProven;
    /// @notice Whether the bond was slashed for seals on this parent. A parent has one number, so this is
    ///         one misdeed, however many seals were made for it.
    mapping(bytes32 parentHash => bool) public isSlashed;

    event EquivocationProven(
        uint64 indexed number,
        address signerA,
        address signerB,
        bytes32 hashA,
        bytes32 hashB,
        address reporter
    );

    error NotOneParent();
    error SameSeal();
    error AlreadyProven(bytes32 pair);
    error NeverSequencer(address signer);

    /// @notice Records that two seals contradict each other, and slashes the bond the first time it is
    ///         shown for their parent. Anyone may report, also while paused.
    /// @param a one batch's header, the protocol root after it, and its seal
    /// @param b the other's; the order makes no difference
    function reportEquivocation(SealedHeader calldata a, SealedHeader calldata b) external {
        uint64 number = a.header.number;
        bytes32 parentHash = a.header.parentHash;
        if (number == 0 || b.header.number != number || b.header.parentHash != parentHash) {
            revert NotOneParent();
        }
        (Seal memory first, Seal memory second) = (_open(a), _open(b));
        if (first.digest == second.digest) revert SameSeal();
        if (first.digest > second.digest) (first, second) = (second, first);
        bytes32 pair = Hashes.commutativeKeccak256(first.digest, second.digest);
        if (isProven[pair]) revert AlreadyProven(pair);
        isProven[pair] = true;
        emit EquivocationProven(
            number, first.signer, second.signer, first.batchHash, second.batchHash, msg.sender
        );
        if (isSlashed[parentHash]) return;
        isSlashed[parentHash] = true;
        _slash(msg.sender);
    }

    /// @notice The hash of a batch: the EIP-712 digest of its header.
    function batchHash(BatchHeader calldata header) public view returns (bytes32) {
        return _digest(StructHashes.header(header));
    }

    /// @notice What a producer signs to seal a batch.
    function sealDigest(bytes32 hash, bytes32 protocolRoot) public view returns (bytes32) {
        return _digest(StructHashes.batchSeal(hash, protocolRoot));
    }

    /// @dev Checks one seal. A signature made again, or bent, gives no second seal: the digest counts.
    function _open(SealedHeader calldata s) private view returns (Seal memory seal) {
        address producer = s.header.producer;
        seal.batchHash = batchHash(s.header);
        seal.digest = sealDigest(seal.batchHash, s.protocolRoot);
        seal.signer = ECDSA.recoverCalldata(seal.digest, s.seal);
        if (seal.signer != producer) revert WrongSigner(seal.signer, producer);
        if (!wasSequencer(producer)) revert NeverSequencer(producer);
    }
}
