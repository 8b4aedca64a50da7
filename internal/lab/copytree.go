package lab

import (
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// digest sums up a directory tree: enough to notice a template that lost or
// changed files. Sum is order-independent.
type digest struct {
	Files int    `json:"files"`
	Bytes int64  `json:"bytes"`
	Sum   uint64 `json:"sum"`
}

// copyTree copies the data directory src to dst, which must not exist, for the
// account, and returns the digest of what it read.
func copyTree(src, dst string, as account) (digest, error) {
	c := treeCopy{src: src, dst: dst, as: as, table: crc32.MakeTable(crc32.Castagnoli)}
	err := filepath.WalkDir(src, c.visit)
	return c.sum, err
}

// digestTree returns the digest of src without copying it.
func digestTree(src string) (digest, error) {
	c := treeCopy{src: src, table: crc32.MakeTable(crc32.Castagnoli)}
	err := filepath.WalkDir(src, c.visit)
	return c.sum, err
}

// treeCopy is one walk. Without dst it only reads.
type treeCopy struct {
	src, dst string
	as       account
	table    *crc32.Table
	sum      digest
}

func (c *treeCopy) visit(path string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(c.src, path)
	if err != nil {
		return err
	}
	switch {
	case d.IsDir() && c.dst == "":
		return nil
	case d.IsDir():
		return c.as.mkdir(filepath.Join(c.dst, rel))
	case d.Type().IsRegular():
		return c.file(path, rel)
	default:
		return fmt.Errorf("%s is neither a file nor a directory", path)
	}
}

func (c *treeCopy) file(path, rel string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	hash := crc32.New(c.table)
	io.WriteString(hash, rel)
	n, err := c.transfer(in, hash, rel)
	c.sum.Files++
	c.sum.Bytes += n
	c.sum.Sum += uint64(hash.Sum32())
	return err
}

func (c *treeCopy) transfer(in io.Reader, hash io.Writer, rel string) (int64, error) {
	if c.dst == "" {
		return io.Copy(hash, in)
	}
	out, err := os.OpenFile(filepath.Join(c.dst, rel), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(io.MultiWriter(out, hash), in)
	if err == nil {
		err = c.as.own(out.Name())
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	return n, err
}
