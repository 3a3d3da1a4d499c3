// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";

import {EnclaveRegistry} from "./EnclaveRegistry.sol";

/// @title Replacing a corrupted enclave
/// @notice The operator names the faulty enclave, its replacement and the reason; governance approves,
///         which swaps them in one transaction, or rejects. (docs/protocol.md, section 7)
abstract contract Replacement is EnclaveRegistry {
    using EnumerableSet for EnumerableSet.UintSet;

    /// @notice The most requests that are open at a time.
    uint256 public constant MAX_OPEN_REQUESTS = 16;
    /// @notice The most bytes of a reason, of the operator's and of governance's.
    uint256 public constant MAX_REASON = 256;

    /// @param id         counts from 1
    /// @param faulty     on the list when the request was made
    /// @param replacement must have registered when the request is approved
    struct Request {
        uint256 id;
        address faulty;
        address replacement;
        string reason;
    }

    mapping(uint256 id => Request) private _requests;
    EnumerableSet.UintSet private _open;
    uint256 private _lastId;
    /// @notice The open request to replace an enclave; 0: there is none.
    mapping(address faulty => uint256 id) public openRequestOf;

    event ReplacementRequested(
        uint256 indexed id, address faulty, address replacement, string reason
    );
    event ReplacementApproved(uint256 indexed id);
    event ReplacementRejected(uint256 indexed id, string why);
    event ReplacementCancelled(uint256 indexed id);

    error AlreadyRequested(uint256 id);
    error TooManyRequests();
    error ReasonTooLong(uint256 length);
    error NoSuchRequest(uint256 id);

    /// @notice Asks governance to put `replacement` in the place of `faulty`.
    /// @return id of the request; one at a time for each faulty enclave
    function requestReplacement(address faulty, address replacement, string calldata reason)
        external
        onlyRole(OPERATOR_ROLE)
        returns (uint256 id)
    {
        _requireShort(reason);
        if (replacement == address(0)) revert ZeroAddress();
        if (!isSequencer(faulty)) revert NotSequencer(faulty);
        if (isSequencer(replacement)) revert AlreadySequencer(replacement);
        if (openRequestOf[faulty] != 0) revert AlreadyRequested(openRequestOf[faulty]);
        if (_open.length() == MAX_OPEN_REQUESTS) revert TooManyRequests();
        id = ++_lastId;
        _open.add(id);
        openRequestOf[faulty] = id;
        _requests[id] = Request({id: id, faulty: faulty, replacement: replacement, reason: reason});
        emit ReplacementRequested(id, faulty, replacement, reason);
    }

    /// @notice Revokes the faulty enclave and grants the replacement, in this transaction.
    function approveReplacement(uint256 id) external onlyRole(GOVERNANCE_ROLE) whenNotPaused {
        (address faulty, address replacement) = _close(id);
        _revokeSequencer(faulty);
        _grantSequencer(replacement);
        emit ReplacementApproved(id);
    }

    /// @notice Closes a request without a change of the list.
    function rejectReplacement(uint256 id, string calldata why) external onlyRole(GOVERNANCE_ROLE) {
        _requireShort(why);
        _close(id);
        emit ReplacementRejected(id, why);
    }

    /// @notice Takes a request back.
    function cancelReplacement(uint256 id) external onlyRole(OPERATOR_ROLE) {
        _close(id);
        emit ReplacementCancelled(id);
    }

    /// @notice The open requests, in no particular order.
    function openReplacements() external view returns (Request[] memory requests) {
        requests = new Request[](_open.length());
        for (uint256 i = 0; i < requests.length; i++) {
            requests[i] = _requests[_open.pos(i)];
        }
    }

    function _close(uint256 id) private returns (address faulty, address replacement) {
        if (!_open.remove(id)) revert NoSuchRequest(id);
        (faulty, replacement) = (_requests[id].faulty, _requests[id].replacement);
        delete openRequestOf[faulty];
        delete _requests[id];
    }

    function _requireShort(string calldata reason) private pure {
        if (bytes(reason).length > MAX_REASON) revert ReasonTooLong(bytes(reason).length);
    }
}
