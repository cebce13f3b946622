package database

import (
	"strings"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

// attributeDatastore tells how Trove calls what the contract calls an engine.
const attributeDatastore = "datastore"

// engineWords tell the kind of a datastore: its name contains the word.
var engineWords = []struct {
	word   string
	engine databasev1.EngineType
	port   int32
}{
	{"mariadb", databasev1.EngineType_ENGINE_TYPE_MARIADB, 3306},
	{"mysql", databasev1.EngineType_ENGINE_TYPE_MYSQL, 3306},
	{"postgres", databasev1.EngineType_ENGINE_TYPE_POSTGRESQL, 5432},
}

// toProtoEngine is the kind of a datastore and the port that it listens on; zero for
// those that the contract does not know.
func toProtoEngine(datastore string) (engine databasev1.EngineType, port int32) {
	name := strings.ToLower(datastore)
	for _, e := range engineWords {
		if strings.Contains(name, e.word) {
			return e.engine, e.port
		}
	}
	return databasev1.EngineType_ENGINE_TYPE_UNSPECIFIED, 0
}

// toProtoVersion is the number of a version, or what its name has from the first digit
// on: "5.7" of "mysql-5.7". Empty: there is none.
func toProtoVersion(number, name string) string {
	for _, text := range []string{number, name} {
		if at := strings.IndexAny(text, "0123456789"); at >= 0 {
			return text[at:]
		}
	}
	return ""
}

// offer is a version of a datastore that new instances can have.
type offer struct {
	store   datastore
	version version
	number  string
	engine  databasev1.EngineType
}

func (o *offer) isDefault() bool { return o.version.ID == o.store.DefaultVersion }

// offersOf are the versions of all datastores of known kinds.
func offersOf(stores []datastore) []offer {
	var all []offer
	for _, store := range stores {
		engine, _ := toProtoEngine(store.Name)
		if engine == databasev1.EngineType_ENGINE_TYPE_UNSPECIFIED {
			continue
		}
		for _, v := range store.Versions {
			number := toProtoVersion(v.Number, v.Name)
			if number != "" && !v.inactive() {
				all = append(all, offer{store: store, version: v, number: number, engine: engine})
			}
		}
	}
	return all
}

// pickOffer finds the version that a request means: of several with one number its
// datastore's default, or else the first. nil: there is none.
func pickOffer(all []offer, engine databasev1.EngineType, number string) *offer {
	var found *offer
	for i := range all {
		if o := &all[i]; o.engine == engine && o.number == number && (found == nil || o.isDefault() && !found.isDefault()) {
			found = o
		}
	}
	return found
}

func toProtoOffer(o *offer, region string) *databasev1.Engine {
	return &databasev1.Engine{
		Id:                 o.version.ID,
		Name:               o.store.Name + " " + o.version.Name,
		RegionId:           region,
		ProviderAttributes: map[string]string{attributeDatastore: datastoreText(o.store.Name, o.version.Name)},
		Engine:             o.engine,
		Version:            o.number,
		IsDefault:          o.isDefault(),
	}
}

func datastoreText(name, version string) string { return name + "/" + version }
