package programs

import (
	"encoding/json"
	"net/url"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// variant is how the partner departs from the profile.
func (r *partnerRow) variant() (v gyt345.Variant) {
	_ = json.Unmarshal([]byte(r.Variant), &v) // we wrote it; empty: the profile
	return v
}

// paths are those that the partner calls.
func (r *partnerRow) paths() (out map[gyt345.Interface]string) {
	_ = json.Unmarshal([]byte(r.Paths), &out) // we wrote it; empty: our own
	return out
}

// setVariant changes the members that are present.
func (r *partnerRow) setVariant(from *programv1.SigningVariant) error {
	if from == nil {
		return nil
	}
	v := r.variant()
	mergeVariant(&v, from)
	if !v.Valid() {
		return invalid("signing_variant.empty_sm2_user_id", "contradicts sm2_user_id")
	}
	r.Variant = ""
	if v == (gyt345.Variant{}) {
		return nil
	}
	text, err := json.Marshal(v)
	r.Variant = string(text)
	return err
}

// setPaths changes the members that are present.
func (r *partnerRow) setPaths(from *programv1.PublishedPaths) error {
	if from == nil {
		return nil
	}
	out := r.paths()
	if out == nil {
		out = map[gyt345.Interface]string{}
	}
	for on, path := range map[gyt345.Interface]*string{
		gyt345.InterfaceSeries: from.Series, gyt345.InterfaceSeriesOffline: from.SeriesOffline,
		gyt345.InterfaceProgram: from.Program, gyt345.InterfaceProgramOffline: from.ProgramOffline,
	} {
		if path == nil {
			continue
		}
		if _, err := url.PathUnescape(*path); err != nil {
			return invalid("published_paths", "must be paths, percent-encoded as they are published")
		}
		if out[on] = *path; *path == "" {
			delete(out, on)
		}
	}
	r.Paths = ""
	if len(out) == 0 {
		return nil
	}
	text, err := json.Marshal(out)
	r.Paths = string(text)
	return err
}

// The forms that are not the profile's own.
var (
	requestTexts = map[programv1.RequestText]gyt345.RequestText{programv1.RequestText_REQUEST_TEXT_SORTED_PARAMETERS: gyt345.RequestSortedParameters}
	messageTexts = map[programv1.MessageText]gyt345.MessageText{programv1.MessageText_MESSAGE_TEXT_SORTED_MEMBERS: gyt345.MessageSortedMembers}
	signedForms  = map[programv1.SignedForm]gyt345.SignedForm{programv1.SignedForm_SIGNED_FORM_SM3_HEX: gyt345.SignedSM3Hex}
	macMethods   = map[programv1.MacMethod]gyt345.MACMethod{
		programv1.MacMethod_MAC_METHOD_SM4_CBC_MAC: gyt345.MACSM4CBCMAC, programv1.MacMethod_MAC_METHOD_HMAC_SM3: gyt345.MACHMACSM3,
	}
	macKeys = map[programv1.MacKey]gyt345.MACKeyForm{programv1.MacKey_MAC_KEY_SM3_OF_SECRET: gyt345.KeySM3OfSecret}
)

func mergeVariant(v *gyt345.Variant, from *programv1.SigningVariant) {
	set(&v.UserID, from.Sm2UserId)
	set(&v.EmptyUserID, from.EmptySm2UserId)
	setForm(&v.Request, from.RequestText, requestTexts)
	setForm(&v.Message, from.MessageText, messageTexts)
	setForm(&v.Signed, from.SignedForm, signedForms)
	setForm(&v.MAC, from.MacMethod, macMethods)
	setForm(&v.Key, from.MacKey, macKeys)
}

// setForm takes a form that is present; one that is not in the table is the profile's.
func setForm[E comparable, F any](to *F, from *E, forms map[E]F) {
	if from != nil {
		*to = forms[*from]
	}
}

func toProtoVariant(v gyt345.Variant) *programv1.SigningVariant {
	return &programv1.SigningVariant{
		RequestText: formOf(v.Request, requestTexts, programv1.RequestText_REQUEST_TEXT_FIVE_LINES),
		MessageText: formOf(v.Message, messageTexts, programv1.MessageText_MESSAGE_TEXT_CANONICAL),
		SignedForm:  formOf(v.Signed, signedForms, programv1.SignedForm_SIGNED_FORM_TEXT),
		MacMethod:   formOf(v.MAC, macMethods, programv1.MacMethod_MAC_METHOD_SM4_CMAC),
		MacKey:      formOf(v.Key, macKeys, programv1.MacKey_MAC_KEY_DERIVED),
		Sm2UserId:   &v.UserID, EmptySm2UserId: &v.EmptyUserID,
	}
}

func formOf[E, F comparable](form F, forms map[E]F, profile E) *E {
	for e, f := range forms {
		if f == form {
			return &e
		}
	}
	return &profile
}

func toProtoPaths(paths map[gyt345.Interface]string) *programv1.PublishedPaths {
	of := func(on gyt345.Interface) *string { path := paths[on]; return &path }
	return &programv1.PublishedPaths{
		Series: of(gyt345.InterfaceSeries), SeriesOffline: of(gyt345.InterfaceSeriesOffline),
		Program: of(gyt345.InterfaceProgram), ProgramOffline: of(gyt345.InterfaceProgramOffline),
	}
}
