//! Every format, from fabricated reports as campaigns leave them.

mod calibration;
mod console;
mod fabricated;
mod html;
mod machines;
