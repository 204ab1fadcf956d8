package plan

// Lost is the exit code of a benchmark binary that could not keep what it
// measured: whoever started it must not start the next one. It is EX_IOERR of
// sysexits.h.
const Lost = 74
