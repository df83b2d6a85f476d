package registry

import (
	"slices"

	"github.com/collectiverpc/collective/internal/name"
)

// namespaceEdit is the next version of an index of a namespace while it is being made, by one goroutine. Its embedded index shows what has
// been changed so far; the index it started from stays as it is.
type namespaceEdit struct {
	*namespaceIndex
	nameEdit  *tableEdit[target]    // of names
	callEdit  *tableEdit[call]      // of calls
	localEdit *tableEdit[localFile] // of localFiles
}

// edit starts a next version. What it costs is a pointer for each bucket, not what the namespace holds.
func (n *namespaceIndex) edit() *namespaceEdit {
	e := &namespaceEdit{nameEdit: n.names.edit(), callEdit: n.calls.edit(), localEdit: n.localFiles.edit()}
	next := *n
	next.names, next.calls, next.localFiles = e.nameEdit.done(), e.callEdit.done(), e.localEdit.done()
	e.namespaceIndex = &next
	return e
}

// done is the new version. The edit must not be used after it.
func (e *namespaceEdit) done() *namespaceIndex { return e.namespaceIndex }

// setLocal makes s the local service of that full name; nil removes it.
func (e *namespaceEdit) setLocal(fullName string, s *service) {
	e.set(fullName, func(t *target) { t.local = s })
}

// setRegistered makes s the registered service of that full name; nil removes it.
func (e *namespaceEdit) setRegistered(fullName string, s *service) {
	e.set(fullName, func(t *target) { t.registered = s })
}

// set changes what one full name stands for, and with it the list of services and what the short name means.
func (e *namespaceEdit) set(fullName string, change func(*target)) {
	before := e.held(fullName).exact()
	e.retarget(fullName, change)
	after := e.held(fullName).exact()
	if before == after {
		return
	}
	e.ordered = replaced(e.ordered, before, after)
	if short := name.ShortService(fullName); short != fullName {
		e.retarget(short, func(t *target) { t.short = replaced(t.short, before, after) })
	}
}

// retarget changes what a name means, and with it the calls that can be made by that name.
func (e *namespaceEdit) retarget(name string, change func(*target)) {
	t := e.held(name)
	before := t.service()
	change(&t)
	if t.exact() == nil && len(t.short) == 0 {
		e.nameEdit.remove(key{name: name})
	} else {
		e.nameEdit.set(key{name: name}, t)
	}
	if after := t.service(); after != before {
		e.replaceCalls(name, before, after)
	}
}

// replaceCalls keeps the calls by one name those of the service that it means; nil if it means none.
func (e *namespaceEdit) replaceCalls(name string, before, after *service) {
	if before != nil {
		for _, m := range before.methods {
			e.callEdit.remove(key{name, m.name})
		}
	}
	if after != nil {
		for _, m := range after.methods {
			e.callEdit.set(m.key(name), call{m, string(m.descriptor.Input().FullName())})
		}
	}
}

// replaced is an ordered list without before and with after, either of which may be nil. It leaves the list alone.
func replaced(list []*service, before, after *service) []*service {
	list = slices.Clone(list)
	if before != nil {
		if at, ok := slices.BinarySearchFunc(list, before, compareServices); ok {
			list = slices.Delete(list, at, at+1)
		}
	}
	if after != nil {
		at, _ := slices.BinarySearchFunc(list, after, compareServices)
		list = slices.Insert(list, at, after)
	}
	return list
}
