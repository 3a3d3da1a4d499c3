// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {Network} from "./Network.sol";
import {StructHashes} from "./StructHashes.sol";

/// @title Which enclaves may sequence
/// @notice Functions and events of the whitelist are those of TEN's own registry, so whoever reads one
///         reads the other. An enclave is the address of its secp256k1 identity key.
abstract contract EnclaveRegistry is Network {
    using EnumerableSet for EnumerableSet.AddressSet;

    /// @notice The most enclaves on the list, as in the protocol (V3).
    uint256 public constant MAX_SEQUENCERS = 64;

    struct Enclave {
        bool isRegistered; // its key has signed EnclaveRegistration
        bool isBootstrapped; // it was granted before the genesis was set
        bool wasSequencer; // it is or was on the list
    }

    mapping(address enclaveId => Enclave) private _enclaves;
    EnumerableSet.AddressSet private _sequencers;

    /// @notice What a registered enclave says it runs. Governance compares it with an attestation before
    ///         it grants; this contract checks no attestation.
    mapping(address enclaveId => bytes32) public measurementOf;
    /// @dev When the list last became empty; zero if it never did.
    uint64 internal _emptySince;

    event SequencerEnclaveGranted(address enclaveId);
    event SequencerEnclaveRevoked(address enclaveId);
    event EnclaveRegistered(address indexed enclaveId, bytes32 measurement);

    error AlreadyRegistered(address enclaveId);
    error NotRegistered(address enclaveId);
    error AlreadySequencer(address enclaveId);
    error NotSequencer(address enclaveId);
    error TooManySequencers();
    error NoSequencers();
    error WrongSigner(address signer, address expected);

    /// @notice Puts an enclave's own statement on record: that the key exists, is meant for this network,
    ///         and what it runs. Anyone may bring it; each enclave registers once.
    /// @param signature by the enclave's identity key, over
    ///        EnclaveRegistration(address enclaveId,bytes32 measurement)
    function registerEnclave(address enclaveId, bytes32 measurement, bytes calldata signature)
        external
        whenNotPaused
    {
        address signer =
            ECDSA.recoverCalldata(registrationDigest(enclaveId, measurement), signature);
        if (signer != enclaveId) revert WrongSigner(signer, enclaveId);
        Enclave storage enclave = _enclaves[enclaveId];
        if (enclave.isRegistered) revert AlreadyRegistered(enclaveId);
        enclave.isRegistered = true;
        measurementOf[enclaveId] = measurement;
        emit EnclaveRegistered(enclaveId, measurement);
    }

    /// @notice Puts an enclave on the list. Before the genesis is set any; after it a registered one.
    function grantSequencerEnclave(address enclaveId)
        external
        onlyRole(GOVERNANCE_ROLE)
        whenNotPaused
    {
        _grantSequencer(enclaveId);
    }

    /// @notice Takes an enclave off the list; also while paused.
    function revokeSequencerEnclave(address enclaveId) external onlyRole(GOVERNANCE_ROLE) {
        _revokeSequencer(enclaveId);
    }

    /// @notice Whether the enclave is on the list now.
    function isSequencer(address enclaveId) public view returns (bool) {
        return _sequencers.contains(enclaveId);
    }

    /// @notice Whether the enclave has registered, or was granted before the genesis was set.
    function isAttested(address enclaveId) external view returns (bool) {
        Enclave storage enclave = _enclaves[enclaveId];
        return enclave.isRegistered || enclave.isBootstrapped;
    }

    /// @notice Whether the enclave is or ever was on the list.
    function wasSequencer(address enclaveId) public view returns (bool) {
        return _enclaves[enclaveId].wasSequencer;
    }

    /// @notice The list, in no particular order.
    function sequencers() external view returns (address[] memory) {
        return _sequencers.values();
    }

    /// @notice What an enclave signs to register.
    function registrationDigest(address enclaveId, bytes32 measurement)
        public
        view
        returns (bytes32)
    {
        return _digest(StructHashes.registration(enclaveId, measurement));
    }

    /// @dev The list at this moment becomes the whitelist of the genesis, which must not be empty.
    function _setGenesis(bytes32 genesis) internal virtual override {
        if (_sequencerCount() == 0) revert NoSequencers();
        super._setGenesis(genesis);
    }

    function _grantSequencer(address enclaveId) internal {
        if (enclaveId == address(0)) revert ZeroAddress();
        Enclave storage enclave = _enclaves[enclaveId];
        if (genesisHash == 0) enclave.isBootstrapped = true;
        else if (!enclave.isRegistered) revert NotRegistered(enclaveId);
        if (!_sequencers.add(enclaveId)) revert AlreadySequencer(enclaveId);
        if (_sequencerCount() > MAX_SEQUENCERS) revert TooManySequencers();
        enclave.wasSequencer = true;
        emit SequencerEnclaveGranted(enclaveId);
    }

    function _revokeSequencer(address enclaveId) internal {
        if (!_sequencers.remove(enclaveId)) revert NotSequencer(enclaveId);
        if (_sequencerCount() == 0) _emptySince = uint64(block.timestamp);
        emit SequencerEnclaveRevoked(enclaveId);
    }

    function _sequencerCount() internal view returns (uint256) {
        return _sequencers.length();
    }
}
