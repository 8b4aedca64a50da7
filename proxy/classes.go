package proxy

import "github.com/pgroute/pgroute/router"

// classCache is a placeholder until router.Cache.
type classCache struct {
	c router.Classifier
	s router.Script
}

func newClassCache(int) *classCache { return &classCache{} }

func (c *classCache) Classify(text []byte, cat router.Catalog, path *router.SearchPath, o *router.Options) *router.Script {
	c.c.Classify(&c.s, text, cat, path, o)
	return &c.s
}
