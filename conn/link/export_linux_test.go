package link

// MaxUnsent is maxUnsent.
const MaxUnsent = maxUnsent
