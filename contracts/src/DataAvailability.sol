// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Blockhash} from "@openzeppelin/contracts/utils/Blockhash.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

import {EnclaveRegistry} from "./EnclaveRegistry.sol";
import {StructHashes} from "./StructHashes.sol";
import {Rollup} from "./Types.sol";

/// @title Rollups on L1
/// @notice Rollups follow each other without a gap from batch 1 on. The data stays in the transaction:
///         who reads the event finds it, with the signed struct, in the transaction's input.
/// @dev The selector is the version of how data is carried. This one is calldata. Another way, such as
///      blobs, is another entry point with a selector of its own that ends in `_accept`, and says what
///      `dataHash` is the hash of; what is stored and the event stay as they are. docs/contracts.md
///      tells what it would have to check.
abstract contract DataAvailability is EnclaveRegistry {
    /// @notice The most bytes of data in one rollup, so that every follower knows what it must be able
    ///         to take.
    uint256 public constant MAX_DATA = 1_000_000;
    /// @dev publishRollup's input, as every ABI encoder lays it out: selector, eight words of the struct,
    ///      two offsets, then length and bytes of the signature, then length and bytes of the data.
    uint256 private constant SIGNATURE_AT = 4 + 10 * 32 + 32;
    uint256 private constant DATA_AT = SIGNATURE_AT + 96 + 32;

    /// @notice The last batch of the last rollup; 0 before the first.
    uint64 public lastNumber;
    /// @notice L1's block that brought the last rollup; before the first, the one that set the genesis.
    /// @dev In the slot of lastNumber, so that the first rollup costs no more than the others.
    uint64 public lastRollupBlock;
    /// @notice Its hash; the genesis hash before the first rollup.
    bytes32 public lastHash;
    /// @notice The EIP-712 digest of the rollup that begins with a batch; 0 where none begins.
    mapping(uint64 firstNumber => bytes32) public rollupHash;

    event RollupPublished(
        uint64 indexed firstNumber,
        uint64 lastNumber,
        bytes32 lastHash,
        bytes32 protocolRoot,
        bytes32 dataHash,
        uint64 l1Number,
        address signer,
        bytes signature
    );

    error NotDirect();
    error NotCanonical();
    error DataTooLong(uint256 length);
    error NotNext(uint64 firstNumber, uint64 expected);
    error EmptyRange(uint64 firstNumber, uint64 lastNumber);
    error WrongParent(bytes32 firstParentHash, bytes32 expected);
    error NotRecent(uint64 l1Number, bytes32 l1Hash);
    error WrongData(bytes32 dataHash, bytes32 actual);

    /// @notice Takes the next rollup. Anyone may bring it: the signature is what counts. It must be called
    ///         by an account without code, not through another contract, so that the data is in the
    ///         input of the transaction, at the same place each time.
    /// @param r         firstNumber = lastNumber() + 1, firstParentHash = lastHash(); l1Hash the hash of
    ///                  L1's block l1Number, one of the last 8191 (256 where L1 is without EIP-2935)
    /// @param signature over r, by an enclave that is on the list now
    /// @param data      r.dataHash is its Keccak-256; at most MAX_DATA bytes
    function publishRollup(Rollup calldata r, bytes calldata signature, bytes calldata data)
        external
        whenNotPaused
    {
        _requireDirect();
        _requireCanonical(signature, data);
        if (data.length > MAX_DATA) revert DataTooLong(data.length);
        bytes32 actual = keccak256(data);
        if (actual != r.dataHash) revert WrongData(r.dataHash, actual);
        _accept(r, signature);
    }

    /// @notice What an enclave signs of a rollup.
    function rollupDigest(Rollup calldata r) public view returns (bytes32) {
        return _digest(StructHashes.rollup(r));
    }

    function _setGenesis(bytes32 genesis) internal virtual override {
        super._setGenesis(genesis);
        lastHash = genesis;
        lastRollupBlock = uint64(block.number);
    }

    /// @dev Everything about a rollup but where its data is.
    function _accept(Rollup calldata r, bytes calldata signature) private {
        _requireNext(r);
        _requireRecent(r.l1Number, r.l1Hash);
        bytes32 digest = rollupDigest(r);
        address signer = ECDSA.recoverCalldata(digest, signature);
        if (!isSequencer(signer)) revert NotSequencer(signer);
        lastNumber = r.lastNumber;
        lastRollupBlock = uint64(block.number);
        lastHash = r.lastHash;
        rollupHash[r.firstNumber] = digest;
        emit RollupPublished(
            r.firstNumber,
            r.lastNumber,
            r.lastHash,
            r.protocolRoot,
            r.dataHash,
            r.l1Number,
            signer,
            signature
        );
    }

    function _requireNext(Rollup calldata r) private view {
        uint64 expected = lastNumber + 1;
        if (r.firstNumber != expected) revert NotNext(r.firstNumber, expected);
        if (r.lastNumber < r.firstNumber) revert EmptyRange(r.firstNumber, r.lastNumber);
        if (r.firstParentHash != lastHash) revert WrongParent(r.firstParentHash, lastHash);
    }

    /// @dev The hash of a block that is too old, or not there yet, reads as zero: zero is never right.
    function _requireRecent(uint64 number, bytes32 hash) private view {
        if (hash == 0 || Blockhash.blockHash(number) != hash) revert NotRecent(number, hash);
    }

    /// @dev Only an account without code that is also the transaction's origin cannot call on from inside
    ///      of something else; a delegated one (EIP-7702) has code.
    function _requireDirect() private view {
        // solhint-disable-next-line avoid-tx-origin
        if (msg.sender != tx.origin || msg.sender.code.length != 0) revert NotDirect();
    }

    /// @dev Odd offsets would be read here and perhaps not by a follower.
    function _requireCanonical(bytes calldata signature, bytes calldata data) private pure {
        uint256 signatureAt;
        uint256 dataAt;
        assembly ("memory-safe") {
            signatureAt := signature.offset
            dataAt := data.offset
        }
        uint256 end = DATA_AT + (data.length + 31) / 32 * 32;
        if (signatureAt != SIGNATURE_AT || dataAt != DATA_AT || msg.data.length != end) {
            revert NotCanonical();
        }
    }
}
