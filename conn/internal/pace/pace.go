package pace

import (
	"sync"
	"time"
)

// Bucket is a token bucket. The zero value is full. It is not safe for concurrent use.
type Bucket struct {
	taken float64
	at    time.Time
}

// Take takes one of burst that fill at rate a second, and returns 0; or takes none, and returns after what time there is
// one.
func (b *Bucket) Take(now time.Time, rate float64, burst int) (wait time.Duration) {
	b.fill(now, rate)
	if over := b.taken + 1 - float64(burst); over > 0 {
		return max(1, time.Duration(over/rate*float64(time.Second)))
	}
	b.taken++
	return 0
}

// Owe takes n, whether they are there or not, and returns after what time none is owed.
func (b *Bucket) Owe(now time.Time, rate float64, burst, n int) (wait time.Duration) {
	b.fill(now, rate)
	b.taken += float64(n)
	return max(0, time.Duration((b.taken-float64(burst))/rate*float64(time.Second)))
}

func (b *Bucket) fill(now time.Time, rate float64) {
	if since := now.Sub(b.at); since > 0 {
		b.taken, b.at = max(0, b.taken-since.Seconds()*rate), now
	}
}

// mostKeys bounds the memory of [Keyed]. Beyond it all who have no bucket yet share one.
const mostKeys = 4096

// Keyed is a bucket for each key. It is safe for concurrent use.
type Keyed struct {
	Rate  float64 // a second
	Burst int

	mu      sync.Mutex
	buckets map[string]*Bucket
	others  Bucket
	swept   time.Time
}

// Take takes one from the bucket of a key, and reports whether there was one.
func (k *Keyed) Take(key string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep(now)
	return k.of(key).Take(now, k.Rate, k.Burst) == 0
}

func (k *Keyed) of(key string) *Bucket {
	if b, ok := k.buckets[key]; ok {
		return b
	}
	if len(k.buckets) >= mostKeys {
		return &k.others
	}
	if k.buckets == nil {
		k.buckets = make(map[string]*Bucket)
	}
	b := new(Bucket)
	k.buckets[key] = b
	return b
}

// sweep forgets now and then the buckets that are full again.
func (k *Keyed) sweep(now time.Time) {
	full := time.Duration(float64(k.Burst) / k.Rate * float64(time.Second))
	if now.Sub(k.swept) < full {
		return
	}
	k.swept = now
	for key, b := range k.buckets {
		if now.Sub(b.at) >= full {
			delete(k.buckets, key)
		}
	}
}
