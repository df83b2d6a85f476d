package socket

// MaxUnsent is how many bytes the kernel takes that it cannot send yet. What it has taken nothing overtakes: over 20 Mbit/s
// the megabytes that it would take otherwise hold up small calls for half a second.
const MaxUnsent = 64 << 10
