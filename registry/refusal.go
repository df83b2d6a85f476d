package registry

import (
	"errors"

	"github.com/collectiverpc/collective/internal/descriptor"
)

// Why a registration is refused. An error of this package about a registration has one or more of them in its chain.
var (
	ErrMalformed = descriptor.ErrMalformed       // no valid schema by itself
	ErrTooLarge  = descriptor.ErrTooLarge        // see Limits
	ErrConflict  = descriptor.ErrConflict        // the name belongs to something else
	ErrReserved  = descriptor.ErrReserved        // nobody's to claim
	ErrBreaking  = errors.New("breaking change") // old and new programs would not understand each other
)
