//! Amounts of money as fixed-point numbers.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::json::{Number, RawJson};

/// A cost in US dollars: a whole number of units of 10⁻¹² dollars. Sums are exact in any order.
///
/// `Display` and JSON print the shortest exact decimal, such as `0.0123`, and never an exponent. A sum of
/// printed costs is exact if it is computed with decimals.
///
/// ```
/// use scrollback_core_type::Cost;
///
/// let total: Cost = [0.1, 0.2].map(Cost::from_dollars).into_iter().sum();
/// assert_eq!(total.to_string(), "0.3");
/// assert_eq!(total.units(), 300_000_000_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(Rust, packed(8))] // as the other fields of a record: an alignment of 16 would enlarge every record
pub struct Cost(i128);

/// The number of digits after the decimal point.
const DIGITS: usize = 12;

impl Cost {
    /// No cost.
    pub const ZERO: Self = Self(0);
    /// Units per US dollar.
    pub const UNITS_PER_DOLLAR: i128 = 10_i128.pow(DIGITS as u32);
    /// The greatest cost that a record can have: 10¹⁶ dollars. A sum of 2³² such costs does not saturate.
    pub const MAX_OF_RECORD: Self = Self(10_i128.pow(28));

    /// Returns the cost of a number of units of 10⁻¹² dollars.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// Returns the cost in units of 10⁻¹² dollars.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Returns the cost that is nearest to an amount in dollars. Rounds half a unit away from zero, limits
    /// amounts to ±[`Cost::MAX_OF_RECORD`], and returns zero for NaN and infinities.
    pub fn from_dollars(dollars: f64) -> Self {
        const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
        if dollars == 0.0 || !dollars.is_finite() {
            return Self::ZERO;
        }
        let bits = dollars.abs().to_bits();
        let (fraction, exponent) = (bits & ((1 << FRACTION) - 1), (bits >> FRACTION) as i32);
        // The amount is mantissa * 2^exponent.
        let (mantissa, exponent) = match exponent {
            0 => (fraction, -1074),
            _ => (fraction | 1 << FRACTION, exponent - 1075),
        };
        let scaled = i128::from(mantissa) * Self::UNITS_PER_DOLLAR; // less than 2^93
        let units = match exponent {
            34.. => Self::MAX_OF_RECORD.0,
            0..34 => (scaled << exponent).min(Self::MAX_OF_RECORD.0),
            -93..0 => (scaled + (1 << (-exponent - 1))) >> -exponent,
            _ => 0,
        };
        Self(if dollars < 0.0 { -units } else { units })
    }

    /// Returns the nearest double, in dollars. Use it for display, not for sums.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / Self::UNITS_PER_DOLLAR as f64
    }

    /// Returns the sum of two costs, limited to the range of the type.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl From<Number> for Cost {
    fn from(dollars: Number) -> Self {
        Self::from_dollars(dollars.0)
    }
}

impl std::ops::AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = self.saturating_add(other);
    }
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::ZERO, Self::saturating_add)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let units = self.0.unsigned_abs();
        let dollar = Self::UNITS_PER_DOLLAR.unsigned_abs();
        let (whole, rest) = (units / dollar, units % dollar);
        let digits = format!("{rest:0DIGITS$}");
        match digits.trim_end_matches('0') {
            "" => f.pad(&format!("{sign}{whole}")),
            digits => f.pad(&format!("{sign}{whole}.{digits}")),
        }
    }
}

impl Serialize for Cost {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        RawJson::from_checked(&self.to_string()).serialize(serializer)
    }
}
