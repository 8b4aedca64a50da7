package netloop

// chunkSize makes a chunk fill a size class of the allocator exactly.
const (
	chunkSize  = 16<<10 - 16
	spareLimit = 32 // chunks a loop keeps for reuse: half a megabyte
)

// chunk is a piece of unsent output: buf[r:w] is still to be sent.
type chunk struct {
	next *chunk
	r, w int32
	buf  [chunkSize]byte
}

// chunkPool is a loop's stock of empty chunks. It is bounded: a burst beyond it
// goes back to the garbage collector.
type chunkPool struct {
	free  *chunk
	count int
}

// get returns an empty chunk.
func (p *chunkPool) get() *chunk {
	k := p.free
	if k == nil {
		return new(chunk)
	}
	p.free, k.next = k.next, nil
	p.count--
	return k
}

// put takes a chunk back.
func (p *chunkPool) put(k *chunk) {
	if p.count >= spareLimit {
		return
	}
	k.r, k.w = 0, 0
	k.next, p.free = p.free, k
	p.count++
}

// queue is the unsent output of one connection, oldest first. No chunk in it
// is empty. size is the sum of what the chunks hold.
type queue struct {
	head, tail *chunk
	size       int
}

// append copies b behind what is queued.
func (q *queue) append(pool *chunkPool, b []byte) {
	q.size += len(b)
	for len(b) > 0 {
		if q.tail == nil || q.tail.w == chunkSize {
			q.grow(pool)
		}
		n := copy(q.tail.buf[q.tail.w:], b)
		q.tail.w += int32(n)
		b = b[n:]
	}
}

// grow adds an empty chunk at the end, to be filled at once.
func (q *queue) grow(pool *chunkPool) {
	k := pool.get()
	if q.tail == nil {
		q.head = k
	} else {
		q.tail.next = k
	}
	q.tail = k
}

// advance drops the first n bytes, which were sent.
func (q *queue) advance(pool *chunkPool, n int) {
	q.size -= n
	for n > 0 {
		k := q.head
		held := int(k.w - k.r)
		if n < held {
			k.r += int32(n)
			return
		}
		n -= held
		q.head = k.next
		if q.head == nil {
			q.tail = nil
		}
		pool.put(k)
	}
}

// clear drops everything.
func (q *queue) clear(pool *chunkPool) { q.advance(pool, q.size) }

// take moves chunks holding about limit bytes (at least one chunk) into a
// queue of their own.
func (q *queue) take(limit int) queue {
	var out queue
	for q.head != nil && out.size < limit {
		k := q.head
		q.head, k.next = k.next, nil
		if out.tail == nil {
			out.head = k
		} else {
			out.tail.next = k
		}
		out.tail = k
		out.size += int(k.w - k.r)
	}
	if q.head == nil {
		q.tail = nil
	}
	q.size -= out.size
	return out
}
