// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";

import {EnclaveRegistry} from "./EnclaveRegistry.sol";
import {BondParams} from "./Types.sol";

/// @title The operator's bond
/// @notice What is posted can be slashed until the moment it is withdrawn, and a withdrawal is announced a
///         delay ahead, so a proof cannot be outrun. While an enclave is on the list the minimum stays.
///         What is owed to reporters and the treasury is fetched, not sent: a proof cannot be made to
///         fail by whoever is paid, and no foreign code runs inside it.
abstract contract Bond is EnclaveRegistry {
    using SafeCast for uint256;

    uint256 private constant WHOLE_BPS = 10_000;
    /// @dev Above a half, an operator that reports itself first would lose less than half.
    uint256 private constant MAX_REPORTER_SHARE_BPS = 5_000;
    uint256 private constant MIN_WITHDRAWAL_DELAY = 1 days;
    uint256 private constant MAX_WITHDRAWAL_DELAY = 365 days;

    uint128 private immutable _minimumBond;
    uint128 private immutable _slashAmount;
    uint16 private immutable _reporterShareBps;
    uint32 private immutable _withdrawalDelay;
    address private immutable _treasury;

    struct Withdrawal {
        uint128 amount;
        uint64 requestedAt;
    }

    /// @notice Wei that are posted, those of a requested withdrawal among them.
    uint128 public bond;
    /// @notice Wei of slashed bonds that the treasury may fetch.
    uint128 public owedToTreasury;
    /// @notice Wei that a reporter may fetch.
    mapping(address reporter => uint256) public owed;
    Withdrawal private _withdrawal;

    event BondPosted(address indexed from, uint256 amount);
    event WithdrawalRequested(uint256 amount, uint256 readyAt);
    event BondWithdrawn(address indexed to, uint256 amount);
    event BondSlashed(uint256 amount, address indexed reporter, uint256 reward);
    event Collected(address indexed by, uint256 amount);

    error BadBondParams();
    error BondTooSmall(uint256 remaining, uint256 minimum);
    error NothingToWithdraw();
    error WithdrawalNotReady(uint256 readyAt);
    error NothingOwed();

    constructor(BondParams memory params) {
        if (params.treasury == address(0)) revert ZeroAddress();
        if (
            params.slashAmount > params.minimumBond
                || params.reporterShareBps > MAX_REPORTER_SHARE_BPS
                || params.withdrawalDelay < MIN_WITHDRAWAL_DELAY
                || params.withdrawalDelay > MAX_WITHDRAWAL_DELAY
        ) revert BadBondParams();
        _minimumBond = params.minimumBond;
        _slashAmount = params.slashAmount;
        _reporterShareBps = params.reporterShareBps;
        _withdrawalDelay = params.withdrawalDelay;
        _treasury = params.treasury;
    }

    /// @notice Adds to the bond, which must then be at least the minimum.
    function postBond() external payable onlyRole(OPERATOR_ROLE) {
        uint256 total = bond + msg.value;
        if (total < _minimumBond) revert BondTooSmall(total, _minimumBond);
        bond = total.toUint128();
        emit BondPosted(msg.sender, msg.value);
    }

    /// @notice Announces a withdrawal, in the place of one announced before; 0 takes it back. What is
    ///         announced can still be slashed, but no longer counts for isBonded.
    /// @param amount what remains must be the minimum, or anything when no enclave is on the list
    function requestWithdrawal(uint256 amount) external onlyRole(OPERATOR_ROLE) {
        if (amount > bond) revert BondTooSmall(0, amount);
        _requireRemains(bond - amount, block.timestamp);
        _withdrawal = Withdrawal({amount: amount.toUint128(), requestedAt: uint64(block.timestamp)});
        emit WithdrawalRequested(amount, block.timestamp + _withdrawalDelay);
    }

    /// @notice Pays out what was announced, or what a slash has left of it, after the delay.
    function withdrawBond(address payable to) external onlyRole(OPERATOR_ROLE) whenNotPaused {
        Withdrawal memory withdrawal = _withdrawal;
        uint256 amount = Math.min(withdrawal.amount, bond);
        if (amount == 0) revert NothingToWithdraw();
        uint256 readyAt = uint256(withdrawal.requestedAt) + _withdrawalDelay;
        if (block.timestamp < readyAt) revert WithdrawalNotReady(readyAt);
        _requireRemains(bond - amount, withdrawal.requestedAt);
        delete _withdrawal;
        bond -= amount.toUint128();
        emit BondWithdrawn(to, amount);
        Address.sendValue(to, amount);
    }

    /// @notice Pays a reporter what it is owed. Anyone may call it.
    function collect(address payable reporter) external {
        uint256 amount = owed[reporter];
        owed[reporter] = 0;
        _pay(reporter, amount);
    }

    /// @notice Pays the treasury what it is owed. Anyone may call it.
    function collectForTreasury() external {
        uint256 amount = owedToTreasury;
        owedToTreasury = 0;
        _pay(payable(_treasury), amount);
    }

    /// @notice Whether at least the minimum is posted and not announced for withdrawal.
    function isBonded() external view returns (bool) {
        return bond >= uint256(_minimumBond) + _withdrawal.amount;
    }

    /// @notice The announced withdrawal; both 0 when there is none.
    function pendingWithdrawal() external view returns (uint256 amount, uint256 readyAt) {
        amount = _withdrawal.amount;
        if (amount != 0) readyAt = uint256(_withdrawal.requestedAt) + _withdrawalDelay;
    }

    /// @notice The terms of the bond.
    function bondParams() external view returns (BondParams memory) {
        return
            BondParams(_minimumBond, _slashAmount, _reporterShareBps, _withdrawalDelay, _treasury);
    }

    /// @dev Takes the slash amount, or all there is, and divides it between reporter and treasury.
    function _slash(address reporter) internal {
        uint128 amount = bond < _slashAmount ? bond : _slashAmount;
        uint128 reward = (uint256(amount) * _reporterShareBps / WHOLE_BPS).toUint128();
        bond -= amount;
        owedToTreasury += amount - reward;
        owed[reporter] += reward;
        emit BondSlashed(amount, reporter, reward);
    }

    function _pay(address payable to, uint256 amount) private {
        if (amount == 0) revert NothingOwed();
        emit Collected(to, amount);
        Address.sendValue(to, amount);
    }

    /// @dev Less than the minimum may remain only if the list was empty from the request on: whoever has
    ///      just been revoked still answers for the whole delay.
    function _requireRemains(uint256 remaining, uint256 requestedAt) private view {
        if (remaining >= _minimumBond) return;
        if (_sequencerCount() != 0 || requestedAt < _emptySince) {
            revert BondTooSmall(remaining, _minimumBond);
        }
    }
}
