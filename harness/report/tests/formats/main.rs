//! Every format, from fabricated reports as campaigns leave them.

mod console;
mod fabricated;
mod machines;
