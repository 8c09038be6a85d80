//! Amounts of money in fixed point.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::json::{Number, RawJson};

/// A cost in US dollars: a whole number of units of 10⁻¹² dollars, so that sums are exact in any
/// order.
///
/// `Display` and JSON print the shortest exact decimal: `0.0123`, never an exponent. A sum of
/// printed costs is exact too, if it is made with decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(Rust, packed(8))] // aligned as a record's other fields: with 16 every record would grow
pub struct Cost(i128);

/// How many digits of a unit stand behind the decimal point.
const DIGITS: usize = 12;

impl Cost {
    /// No cost.
    pub const ZERO: Self = Self(0);
    /// Units per US dollar.
    pub const UNITS_PER_DOLLAR: i128 = 10_i128.pow(DIGITS as u32);
    /// The greatest cost that a record can state: 10¹⁶ dollars. 2³² of them are a sum that does
    /// not saturate.
    pub const MAX_OF_RECORD: Self = Self(10_i128.pow(28));

    /// A cost in units of 10⁻¹² dollars.
    pub const fn from_units(units: i128) -> Self {
        Self(units)
    }

    /// The cost in units of 10⁻¹² dollars.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// The cost nearest to an amount in dollars, a half away from zero. Amounts beyond
    /// [`Cost::MAX_OF_RECORD`] are that; what is no finite number is no cost.
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

    /// The nearest double, in dollars: to show it, not to sum it.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / Self::UNITS_PER_DOLLAR as f64
    }

    /// The sum of two; the greatest there is where that would be greater.
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
