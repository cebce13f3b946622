package sdk

import driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

// FeatureNames lists the names of features, as an account declares them that has none
// of them (AccountCapabilities.absent_features).
func FeatureNames(features []*driverv1.Feature) []string {
	names := make([]string, 0, len(features))
	for _, f := range features {
		names = append(names, f.GetName())
	}
	return names
}
