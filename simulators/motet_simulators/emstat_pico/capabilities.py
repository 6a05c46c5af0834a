"""The answers to `CC` and `CM`: a bit for each command that the simulated EmStat knows.

Numbers of the bits: as PalmSens' own package reads them (pypalmsens 2.2, comm_registry).
"""

from collections.abc import Mapping

_COMMUNICATION = (1, 32, 33, 36, 37, 38, 48, 49, 96, 97, 98, 99)
"""t, CC, CM, l, r, e, i, v, h, H, Z, Y."""
_SCRIPT: Mapping[int, str] = {
    1: "var array store_var copy_var add_var sub_var mul_var div_var set_e set_int await_int wait",
    13: "loop endloop breakloop if else elseif endif",
    21: "meas",
    23: "meas_loop_lsv meas_loop_cv meas_loop_dpv meas_loop_swv meas_loop_npv",
    28: "meas_loop_ca",
    30: "meas_loop_ocp meas_loop_eis set_autoranging pck_start pck_add pck_end set_max_bandwidth set_cr",
    38: "cell_on cell_off",
    40: "set_pgstat_mode send_string set_pgstat_chan set_gpio_cfg set_gpio_pullup set_gpio get_gpio set_pot_range",
    49: "set_poly_we_mode",
    52: "set_script_output array_get array_set",
    62: "abort timer_start timer_get set_range set_range_minmax",
    71: "int_to_float float_to_int bit_and_var bit_or_var bit_xor_var bit_lsl_var bit_lsr_var bit_inv_var",
    80: "set_acquisition_frac",
    84: "set_gpio_msk get_gpio_msk",
    91: "set_acquisition_frac_autoadjust alter_vartype",
    96: "mod_var",
    112: "pow_var",
    114: "log_var",
}
"""Commands by the bit of the first one; the others follow."""


def communication_bits() -> int:
    """What the instrument can be told."""
    return sum(1 << bit for bit in _COMMUNICATION)


def script_bits() -> int:
    """Which commands scripts may have."""
    return sum(1 << first + n for first, names in _SCRIPT.items() for n, _ in enumerate(names.split()))
