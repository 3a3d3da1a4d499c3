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
    /// @notice The most batches of one rollup, as in the protocol (TS_ROLLUP_MAX_BATCHES). A signer can
    ///         name no batch that the chain does not reach in hours, nor use up the numbers.
    uint256 public constant MAX_BATCHES = 16_384;
    /// @dev publishRollup's input, as every ABI encoder lays it out: selector, eight words of the struct,
    ///      two offsets, then length and bytes of the signature, then length and bytes of the data.
    uint256 private constant SIGNATURE_AT = 4 + 10 * 32 + 32;
    uint256 private constant DATA_AT = SIGNATURE_AT + 96 + 32;

    /// @notice The last batch of the last rollup; 0 before the first.
    uint64 public lastNumber;
    /// @notice L1's block that brought the last rollup, or took some back if that came later; before the
    ///         first, the one that set the genesis.
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

    /// @notice The rollups of these batches count no more. The next one begins at firstNumber, on
    ///         lastHash; protocolRoot is that of the batch before it, 0 at the genesis.
    event RollupsRolledBack(
        uint64 indexed firstNumber, uint64 lastNumber, bytes32 lastHash, bytes32 protocolRoot
    );

    error NotDirect();
    error NotCanonical();
    error DataTooLong(uint256 length);
    error NotNext(uint64 firstNumber, uint64 expected);
    error EmptyRange(uint64 firstNumber, uint64 lastNumber);
    error RangeTooLong(uint64 firstNumber, uint64 lastNumber);
    error WrongParent(bytes32 firstParentHash, bytes32 expected);
    error NotRecent(uint64 l1Number, bytes32 l1Hash);
    error WrongData(bytes32 dataHash, bytes32 actual);
    error NothingToRollBack();
    error NotTaken(uint64 firstNumber);
    error NotNewest(uint64 lastNumber, uint64 newest);

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

    /// @notice Takes rollups back, the newest ones, so that publishing goes on from an earlier batch: for
    ///         when an enclave has signed what the chain does not hold. Revoke that enclave first and
    ///         pause, or it publishes another meanwhile, and this is refused. Also while paused. Very
    ///         many are taken back in several calls, the newest ones first.
    /// @param kept    the rollup that becomes the last one; with lastNumber 0: none stays
    /// @param dropped all that follow it, in order
    function rollBackRollups(Rollup calldata kept, Rollup[] calldata dropped)
        external
        onlyRole(GOVERNANCE_ROLE)
    {
        if (dropped.length == 0) revert NothingToRollBack();
        bytes32 hash = genesisHash;
        bytes32 root = 0;
        if (kept.lastNumber != 0) {
            _requireTaken(kept);
            (hash, root) = (kept.lastHash, kept.protocolRoot);
        }
        uint64 last = kept.lastNumber;
        for (uint256 i = 0; i < dropped.length; i++) {
            uint64 first = dropped[i].firstNumber;
            if (first != last + 1) revert NotNext(first, last + 1);
            _requireTaken(dropped[i]);
            delete rollupHash[first];
            last = dropped[i].lastNumber;
        }
        if (last != lastNumber) revert NotNewest(last, lastNumber);
        lastNumber = kept.lastNumber;
        lastRollupBlock = uint64(block.number);
        lastHash = hash;
        emit RollupsRolledBack(kept.lastNumber + 1, last, hash, root);
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
        if (r.lastNumber - r.firstNumber >= MAX_BATCHES) {
            revert RangeTooLong(r.firstNumber, r.lastNumber);
        }
        if (r.firstParentHash != lastHash) revert WrongParent(r.firstParentHash, lastHash);
    }

    /// @dev It is one of those that make up the line now, and exactly as it was signed.
    function _requireTaken(Rollup calldata r) private view {
        if (rollupHash[r.firstNumber] != rollupDigest(r)) revert NotTaken(r.firstNumber);
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
