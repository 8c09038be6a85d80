//! Tests of usage: what a session used, by `ls`, `show` and `tree`, in stores that count it badly.

mod database;
mod forks;
mod numbers;
mod reverts;
mod steps;
mod totals;
