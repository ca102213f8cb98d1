//! The fixed texts of the report, in each language.

/// A language of the report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Danish.
    Danish,
}

impl Language {
    /// The text of this language.
    pub(super) fn of<T>(self, english: T, danish: T) -> T {
        match self {
            Language::English => english,
            Language::Danish => danish,
        }
    }
}

/// Declares texts with both languages side by side.
macro_rules! texts {
    ($($name:ident: $english:literal, $danish:literal;)+) => {
        impl Language {
            $(pub(super) fn $name(self) -> &'static str { self.of($english, $danish) })+
        }

        #[cfg(test)]
        pub(super) const TEXTS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $danish)),+];
    };
}

texts! {
    code: "en", "da";
    title: "Camera isolation report", "Rapport om kameraernes netværksisolation";
    site: "Site", "Lokation";
    sensor: "Sensor", "Målepunkt";
    observed: "Observed", "Observeret";
    nothing_observed: "nothing was observed", "intet blev observeret";
    sources: "Captures", "Netværksoptagelser";
    journal: "Journal of the agent", "Agentens journal";
    packets: "packets", "pakker";
    policy: "Policy", "Politik";
    built_in: "built in, because no policy file was given", "indbygget, fordi ingen politikfil blev angivet";
    hash: "SHA-256 of the policy", "Politikkens SHA-256";
    made_by: "Made by", "Udarbejdet med";
    not_named: "not named", "ikke navngivet";

    summary: "What follows", "Hvad der følger";
    cameras: "cameras", "kameraer";
    verdict_of_site: "Verdict of the site", "Vurdering af lokationen";
    unseen: "What was not seen", "Hvad der ikke blev set";
    nothing_unseen: "No gap is known: every camera was covered, and no frame was lost that segwatch knows of.",
        "Intet hul er kendt: alle kameraer var dækket, og segwatch kender ikke til tabte pakker.";
    no_cameras: "No camera is known: none is listed, and none was seen.",
        "Intet kamera er kendt: ingen er registreret, og ingen blev set.";
    homes: "Zones of the cameras", "Kameraernes zoner";
    zone: "Zone", "Zone";
    why: "Why", "Begrundelse";
    camera: "Camera", "Kamera";
    home: "Home", "Hjemzone";
    no_home: "none", "ingen";
    network: "Network", "Netværk";
    identity: "Identity", "Identitet";
    firmware: "Firmware", "Firmware";
    use_: "Use", "Anvendelse";
    not_listed: "not listed", "ikke angivet";
    coverage: "Coverage", "Dækning";
    never: "never seen", "aldrig set";
    verdict: "Verdict", "Vurdering";
    findings: "Findings", "Fund";
    findings_elsewhere: "Findings about other devices", "Fund om andre enheder";
    no_findings: "none", "ingen";
    disposition: "Disposition", "Afgørelse";
    details: "Camera by camera", "Kamera for kamera";
    unknown: "unknown", "ukendt";
    not_known: "not known", "ikke kendt";
    missing: "Missing", "Mangler";
    kind: "Kind", "Art";
    severity: "Severity", "Alvor";
    device: "Device", "Enhed";
    peers: "Other end", "Modpart";
    reach: "Reach", "Rækkevidde";
    when: "When (UTC)", "Hvornår (UTC)";

    rules: "Rules of the disposition", "Regler for afgørelsen";
    rules_lead: "The first rule that holds decides. Where none holds, segwatch cannot tell, and says what is missing.",
        "Den første regel, der er opfyldt, afgør. Er ingen opfyldt, kan det ikke afgøres, og det siges, hvad der mangler.";
    method: "Method and limits", "Metode og forbehold";
    method_mirror: "segwatch read copies of packets from a switch's mirror port. It sent nothing, and it saw nothing else: what passed \
        elsewhere, before or after, is not judged.",
        "segwatch læste kopier af pakker fra en switchs spejlport (SPAN). Det sendte intet og så intet andet: hvad der skete andre \
        steder, før eller efter, er ikke vurderet.";
    method_isolated: "Isolated means: traffic from the camera and to it was seen on its own link, in its own VLAN, and none of it, in the \
        time observed, left the camera's zone but for what the policy allows. It does not mean that the camera could not leave it.",
        "Isoleret betyder: trafik både fra og til kameraet blev set på dets eget net og i dets eget VLAN, og intet af den forlod i den \
        observerede tid kameraets zone, bortset fra hvad politikken tillader. Det betyder ikke, at kameraet ikke kunne forlade zonen.";
    method_others: "Contained: it tried to leave, and every attempt was stopped or stayed unanswered. Violated: something got out, in, or \
        where it must not be. Unverified: too little was seen to tell; this is never read as good.",
        "Inddæmmet (contained): det forsøgte at forlade zonen, og hvert forsøg blev stoppet eller forblev ubesvaret. Brudt (violated): \
        noget kom ud, ind eller derhen, hvor det ikke må være. Ikke verificeret (unverified): der blev set for lidt til at afgøre det; \
        det regnes aldrig for godt.";
    method_firmware: "Firmware was not probed. Its version is what the camera said in clear text, or what the inventory lists, held against \
        the makers' advisories that segwatch knows. A model that none of them names is unknown, never patched.",
        "Firmware blev ikke undersøgt aktivt. Versionen er, hvad kameraet selv sendte i klartekst, eller hvad fortegnelsen angiver, holdt op \
        mod de sikkerhedsmeddelelser fra producenterne, som segwatch kender. En model, som ingen af dem nævner, er ukendt, aldrig opdateret.";
    method_use: "The use of a camera is what the inventory says. Nobody can see it on the network.",
        "Et kameras anvendelse er, hvad fortegnelsen angiver. Den kan ikke ses på netværket.";
    method_journal: "Over a span of time a camera is judged by what it was at its end and by what was found within it, findings \
        that a person or a change of policy closed aside; and it is unverified if it was covered for less than 90 % of it.",
        "Over et tidsrum vurderes et kamera efter, hvad det var ved tidsrummets slutning, og efter hvad der blev fundet i det, bortset \
        fra fund, som en person eller en ændret politik lukkede; og det er ikke verificeret, hvis det var dækket i under 90 % af tiden.";
    method_hash: "Whoever has the policy file can check with the SHA-256 above that this report was made by it, and with the same captures make \
        the same report, byte for byte.",
        "Den, der har politikfilen, kan med SHA-256 ovenfor kontrollere, at rapporten bygger på den, og med de samme optagelser fremstille \
        den samme rapport, byte for byte.";
    signature: "Signature", "Underskrift";
    signature_lead: "Reviewed by the security officer:", "Gennemgået af den sikkerhedsansvarlige:";
    signature_name: "Name", "Navn";
    signature_date: "Date", "Dato";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        // Words that both languages share.
        let same = ["zone", "firmware"];
        for (name, english, danish) in TEXTS {
            assert!(!english.is_empty() && !danish.is_empty(), "{name}");
            assert_eq!(english == danish, same.contains(name), "{name}");
            assert!(!english.contains("  ") && !danish.contains("  "), "{name}");
        }
    }
}
