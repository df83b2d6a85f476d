package observe

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	meshv1 "github.com/collectiverpc/collective/gen/collector/mesh/v1"
)

// maxPoints bounds an answer: a screen shows no more.
const maxPoints = 300

// GetMetrics answers all series over a window that ends with the last full second.
func (r *Recorder) GetMetrics(req *meshv1.GetMetricsRequest) *meshv1.GetMetricsResponse {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(r.second(time.Now()))
	w := newWindow(req, r.now.Load())
	res := &meshv1.GetMetricsResponse{
		Start:       timestamppb.New(r.epoch.Add(time.Duration(w.from) * time.Second)),
		StepSeconds: int32(w.step),
	}
	for _, s := range r.sorted() {
		res.Series = append(res.Series, w.read(s))
	}
	return res
}

// window is the seconds from..to in steps. If it reaches back beyond what is remembered by the second, all its edges
// are multiples of ten.
type window struct {
	from, to, step int64
	byTens         bool
}

// newWindow makes of what was asked for what can be answered: no further back than is remembered, no finer than it is
// remembered there, and no more points than maxPoints. The last second is not over and left out.
func newWindow(req *meshv1.GetMetricsRequest, now int64) window {
	length := int64(min(positive(int(req.GetWindowSeconds()), seconds), hour))
	w := window{to: now, step: int64(positive(int(req.GetStepSeconds()), 1)), byTens: length > seconds}
	w.step = max(w.step, (length+maxPoints-1)/maxPoints)
	if w.byTens {
		w.step = (w.step + perTen - 1) / perTen * perTen
		w.to = now / perTen * perTen
	}
	points := length / w.step
	w.from = w.to - max(points, 1)*w.step
	return w
}

// read is one series over the window, and its total over all of it. The total is not that of the points: quantiles do not add.
func (w window) read(s *series) *meshv1.Series {
	message, total := s.message(), new(sum)
	for from := w.from; from < w.to; from += w.step {
		part := w.span(s, from)
		total.add(part.bucket())
		message.Points = append(message.Points, part.point())
	}
	message.Total = total.point()
	return message
}

// span is one step of a series, from a second on.
func (w window) span(s *series, from int64) *sum {
	if w.byTens {
		return s.tenSpan(from, from+w.step)
	}
	return s.span(from, from+w.step)
}

// tick is the last full second, of the series with calls in it; false if the caller has seen that second.
func (r *Recorder) tick(seen *int64) (*meshv1.MetricsTick, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.turn(r.second(time.Now()))
	if *seen == r.now.Load() {
		return nil, false
	}
	*seen = r.now.Load()
	tick := new(meshv1.MetricsTick)
	for _, s := range r.sorted() {
		if s.newest.calls > 0 {
			total := new(sum)
			total.add(s.newest)
			message := s.message()
			message.Total = total.point()
			tick.Series = append(tick.Series, message)
		}
	}
	return tick, true
}
