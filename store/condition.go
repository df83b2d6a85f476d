package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/collectiverpc/collective/internal/sqlite"
)

// lookEvery is how often the file is looked at: nobody tells who deletes it, and that there is space again is found out by writing.
const lookEvery = 5 * time.Second

// condition is whether what is written is kept. There are two ways in which it may not be: writes fail, or they go to a file that
// nobody will find again.
type condition struct {
	path   string
	opened fs.FileInfo // nil if that could not be told
	done   chan struct{}
	group  sync.WaitGroup

	mu       sync.Mutex
	failed   error // of the last write
	strayed  error // of the last look at the file
	told     error
	watchers []*func(error)
}

func newCondition(path string) *condition {
	opened, err := os.Stat(path)
	if err != nil {
		opened = nil
	}
	return &condition{path: path, opened: opened, done: make(chan struct{})}
}

// follow looks at the file until the end, and has probe write while writes fail.
func (c *condition) follow(probe func()) {
	c.group.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.look(probe)
			case <-c.done:
				return
			}
		}
	})
}

func (c *condition) end() {
	c.mu.Lock()
	select {
	case <-c.done:
	default:
		close(c.done)
	}
	c.mu.Unlock()
	c.group.Wait()
}

// look finds out what no write would.
func (c *condition) look(probe func()) {
	strayed := c.stray()
	c.mu.Lock()
	c.strayed = strayed
	failed := c.failed
	c.tell()
	c.mu.Unlock()
	if failed != nil {
		probe()
	}
}

// stray is what has become of the file at the path.
func (c *condition) stray() error {
	info, err := os.Stat(c.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was deleted while it is open: what is in it is lost when this process stops; "+
			"stop it, put a copy back, and start it again", c.path)
	case err != nil:
		return err
	case c.opened != nil && !os.SameFile(info, c.opened):
		return fmt.Errorf("%s was replaced while it is open: what is written goes to the old file, which nobody finds; start this process again", c.path)
	case info.Mode().Perm()&0o200 == 0:
		return fmt.Errorf("%s has become read-only (%s): this process still writes, and the next one may not; chmod u+w it", c.path, info.Mode())
	}
	return nil
}

// wrote notes how a write went. One that failed for what was to be written says nothing of the file.
func (c *condition) wrote(err error) {
	if err != nil && !sqlite.Unwritable(err) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.failed == nil {
		return
	}
	c.failed = err
	c.tell()
}

// tell calls the watchers if there is other trouble than before. The lock is held.
func (c *condition) tell() {
	now := c.trouble()
	if (now == nil) == (c.told == nil) && (now == nil || now.Error() == c.told.Error()) {
		return
	}
	c.told = now
	for _, changed := range c.watchers {
		(*changed)(now)
	}
}

// trouble is what matters more. The lock is held.
func (c *condition) trouble() error {
	if c.strayed != nil {
		return c.strayed
	}
	return c.failed
}

func (c *condition) now() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trouble()
}

func (c *condition) watch(changed func(error)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(c.watchers, &changed)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.watchers = slices.DeleteFunc(slices.Clone(c.watchers), func(other *func(error)) bool { return other == &changed })
	}
}
