//! Writes a document.

use std::fmt::{self, Display, Write as _};

use super::{DialogEntry, DialogInfo, Extent, Participant, Party, element::NAMESPACE};

impl Display for DialogInfo {
    /// The document, without space between elements. A character that XML cannot hold is written as U+FFFD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let extent = match self.extent {
            Extent::Full => "full",
            Extent::Partial => "partial",
        };
        write!(
            f,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<dialog-info xmlns=\"{NAMESPACE}\" version=\"{}\" \
             state=\"{extent}\" entity=\"{}\">",
            self.version,
            Escaped(&self.entity)
        )?;
        self.dialogs.iter().try_for_each(|dialog| dialog.write(f))?;
        f.write_str("</dialog-info>\r\n")
    }
}

impl DialogEntry {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<dialog id=\"{}\"", Escaped(&self.id))?;
        attribute(f, "call-id", self.call_id.as_deref())?;
        attribute(f, "local-tag", self.local_tag.as_deref())?;
        attribute(f, "remote-tag", self.remote_tag.as_deref())?;
        attribute(f, "direction", self.direction.map(super::Direction::as_str))?;
        f.write_str("><state")?;
        attribute(f, "event", self.event.map(super::StageEvent::as_str))?;
        if let Some(code) = self.code {
            write!(f, " code=\"{code}\"")?;
        }
        write!(f, ">{}</state>", self.stage.as_str())?;
        if let Some(duration) = self.duration {
            write!(f, "<duration>{duration}</duration>")?;
        }
        if let Some(ids) = &self.replaced {
            f.write_str("<replaces")?;
            attribute(f, "call-id", Some(&ids.call_id))?;
            attribute(f, "local-tag", Some(&ids.local_tag))?;
            attribute(f, "remote-tag", Some(&ids.remote_tag))?;
            f.write_str("/>")?;
        }
        if let Some(by) = &self.referred_by {
            by.write(f, "referred-by")?;
        }
        if !self.routes.is_empty() {
            f.write_str("<route-set>")?;
            self.routes.iter().try_for_each(|hop| write!(f, "<hop>{}</hop>", Escaped(hop)))?;
            f.write_str("</route-set>")?;
        }
        for (name, side) in [("local", &self.local), ("remote", &self.remote)] {
            if let Some(side) = side {
                side.write(f, name)?;
            }
        }
        f.write_str("</dialog>")
    }
}

impl Participant {
    fn write(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        write!(f, "<{name}>")?;
        if let Some(identity) = &self.identity {
            identity.write(f, "identity")?;
        }
        if let Some(target) = &self.target {
            write!(f, "<target uri=\"{}\">", Escaped(&target.uri))?;
            for (name, value) in &target.params {
                write!(f, "<param pname=\"{}\" pval=\"{}\"/>", Escaped(name), Escaped(value))?;
            }
            f.write_str("</target>")?;
        }
        write!(f, "</{name}>")
    }
}

impl Party {
    fn write(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        write!(f, "<{name}")?;
        attribute(f, "display", self.display.as_deref())?;
        write!(f, ">{}</{name}>", Escaped(&self.uri))
    }
}

fn attribute(f: &mut fmt::Formatter<'_>, name: &str, value: Option<&str>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {name}=\"{}\"", Escaped(value)),
        None => Ok(()),
    }
}

/// Text that may stand between quotes and between tags.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            // A reader would make spaces or line ends of them.
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' => write!(f, "&#{};", u32::from(character)),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char('\u{fffd}'),
            other => f.write_char(other),
        })
    }
}
