package serve

import "github.com/pgroute/pgroute/internal/catalog"

// Catalogs gives the catalogues of the databases in use.
func (a *App) Catalogs() *catalog.Store { return a.catalogs }
