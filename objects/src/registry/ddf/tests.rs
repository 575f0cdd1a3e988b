use super::*;
use crate::{DataType, ObjectId, Operations, ResourceId, Version};

fn object(inner: &str) -> String {
    format!("<LWM2M><Object><Name>Lamp</Name><ObjectID>40000</ObjectID>{inner}</Object></LWM2M>")
}

fn item(id: &str, inner: &str) -> String {
    object(&format!("<Resources><Item ID=\"{id}\"><Name>Glow</Name>{inner}</Item></Resources>"))
}

fn error(xml: &str) -> DdfError {
    parse(xml.as_bytes()).unwrap_err()
}

#[test]
fn a_definition_is_read_with_all_its_facts() {
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?><!-- licence -->
<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <Object ObjectType="MODefinition">
    <Name>Lamp</Name><Description1><![CDATA[ A <lamp>.
  Second line. ]]></Description1>
    <ObjectID>40000</ObjectID><ObjectURN>urn:oma:lwm2m:x:40000:1.1</ObjectURN>
    <LWM2MVersion>1.1</LWM2MVersion><ObjectVersion>1.1</ObjectVersion>
    <MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory>
    <Resources>
      <Item ID="7"><Name>Glow &amp; &#x3a9;</Name><Operations>RW</Operations>
        <MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory>
        <Type>Unsigned Integer</Type><RangeEnumeration>0..100</RangeEnumeration><Units>lx</Units>
        <Description>How bright.</Description></Item>
      <Item ID="8"><Name>Off</Name><Operations>E</Operations><Type/></Item>
    </Resources>
    <Description2>More.</Description2>
  </Object>
</LWM2M>"#;
    let models = parse(xml.as_bytes()).unwrap();
    let [model] = models.as_slice() else { panic!("{models:?}") };
    assert_eq!(
        (model.id, model.version, model.lwm2m_version),
        (ObjectId(40000), Version::V1_1, Version::V1_1)
    );
    assert_eq!((model.name.as_str(), model.urn.as_str()), ("Lamp", "urn:oma:lwm2m:x:40000:1.1"));
    assert_eq!(model.description, "A <lamp>.\n  Second line.\n\nMore.");
    assert!(model.multiple && !model.mandatory);
    let glow = &model.resources[&ResourceId(7)];
    assert_eq!((glow.name.as_str(), glow.operations), ("Glow & \u{3a9}", Operations::RW));
    assert_eq!(glow.data_type, Some(DataType::Unsigned));
    assert!(!glow.multiple && glow.mandatory);
    assert_eq!((glow.range.as_str(), glow.units.as_str()), ("0..100", "lx"));
    let off = &model.resources[&ResourceId(8)];
    assert_eq!((off.operations, off.data_type), (Operations::E, None));
}

#[test]
fn what_the_published_files_leave_out_has_a_default() {
    let models = parse(format!("\u{feff}{}", object("")).as_bytes()).unwrap();
    assert_eq!((models[0].version, models[0].lwm2m_version), (Version::V1_0, Version::V1_0));
    assert!(!models[0].multiple && !models[0].mandatory && models[0].resources.is_empty());
}

#[test]
fn unknown_elements_are_passed_over_with_all_they_hold() {
    let xml = object(
        "<New><Resources><Item ID=\"x\"><Type>nonsense</Type></Item></Resources></New>\
         <Resources><New>t</New><Item ID=\"1\"><Name>A<b>bold</b></Name><TS><Name>B</Name></TS></Item></Resources>",
    );
    let models = parse(xml.as_bytes()).unwrap();
    assert_eq!(models[0].resources.len(), 1);
    assert_eq!(models[0].name, "Lamp");
}

#[test]
fn an_error_names_line_object_and_resource() {
    let place = Place { line: 1, object: Some(40000), resource: Some(3) };
    let found = error(&item("3", "<Type>Complex</Type>"));
    assert_eq!(
        found.to_string(),
        "line 1, object 40000, resource 3: Type is `Complex`, expected one of the data types of LwM2M, or nothing"
    );
    assert!(matches!(found, DdfError::Invalid { place: at, element: "Type", .. } if at == place));
    assert!(matches!(error(&item("70000", "")), DdfError::Invalid { element: "Item ID", .. }));
    assert!(matches!(
        error(&item("3", "<Operations>X</Operations>")),
        DdfError::Invalid { element: "Operations", .. }
    ));
    assert!(matches!(
        error(&item("3", "\n<Mandatory>Maybe</Mandatory>")),
        DdfError::Invalid { place: Place { line: 2, .. }, .. }
    ));
    assert!(matches!(error(&object("<ObjectVersion>one</ObjectVersion>")), DdfError::Invalid { .. }));
    let twice = object(
        "<Resources><Item ID=\"1\"><Name>A</Name></Item><Item ID=\"1\"><Name>B</Name></Item></Resources>",
    );
    assert!(matches!(error(&twice), DdfError::RepeatedResource { place: Place { resource: Some(1), .. } }));
}

#[test]
fn what_defines_no_object_is_told_apart() {
    assert_eq!(error("<DDFList/>"), DdfError::Root { found: "DDFList".into() });
    assert_eq!(error("<LWM2M/>"), DdfError::NoObject);
    assert_eq!(error(""), DdfError::NoObject);
    let common = "<LWM2M><Object ObjectType=\"CommonResources\"><Resources><Item ID=\"1\"/></Resources></Object></LWM2M>";
    assert_eq!(error(common), DdfError::NoObject);
    assert!(matches!(
        error("<LWM2M><Object><Name>A</Name></Object></LWM2M>"),
        DdfError::Missing { element: "ObjectID", .. }
    ));
    let object = object("");
    let object = &object["<LWM2M>".len()..object.len() - "</LWM2M>".len()];
    assert!(matches!(error(&format!("<LWM2M>{object}{object}</LWM2M>")), DdfError::RepeatedObject { .. }));
}

#[test]
fn hostile_xml_is_refused() {
    let bomb = r#"<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><LWM2M>&b;</LWM2M>"#;
    assert!(matches!(error(bomb), DdfError::Doctype { .. }));
    let entity = object("<Description1>&b;</Description1>");
    assert!(matches!(error(&entity), DdfError::Entity { name, .. } if name == "b"));
    assert!(matches!(error(&object("<Description1>&#0;</Description1>")), DdfError::Entity { .. }));
    assert!(matches!(error("<LWM2M><Object></LWM2M>"), DdfError::Syntax { .. }));
    assert!(matches!(error("<LWM2M><Object>"), DdfError::Syntax { .. }));
    assert!(matches!(parse(b"<LWM2M>\xff</LWM2M>"), Err(DdfError::NotUtf8 { offset: 7 })));
}

#[test]
fn every_bound_holds() {
    let too_long = vec![b' '; MAX_DDF_BYTES + 1];
    assert_eq!(parse(&too_long), Err(DdfError::TooLong { len: MAX_DDF_BYTES + 1, max: MAX_DDF_BYTES }));
    assert!(matches!(error(&format!("<LWM2M>{}", "<a>".repeat(100_000))), DdfError::TooDeep { .. }));
    let text = "x".repeat(MAX_DDF_TEXT + 1);
    assert!(matches!(error(&object(&format!("<Name>{text}</Name>"))), DdfError::TextTooLong { .. }));
    assert!(parse(object(&format!("<Name>{}</Name>", &text[1..])).as_bytes()).is_ok());
    let items = |count: usize| {
        let items: String = (0..count).map(|id| format!("<Item ID=\"{id}\"><Name>A</Name></Item>")).collect();
        object(&format!("<Resources>{items}</Resources>"))
    };
    assert!(parse(items(MAX_DDF_RESOURCES).as_bytes()).is_ok());
    assert!(matches!(error(&items(MAX_DDF_RESOURCES + 1)), DdfError::TooManyResources { .. }));
    let objects: String = (0..=MAX_DDF_OBJECTS)
        .map(|id| format!("<Object><Name>A</Name><ObjectID>{id}</ObjectID></Object>"))
        .collect();
    assert!(matches!(error(&format!("<LWM2M>{objects}</LWM2M>")), DdfError::TooManyObjects { .. }));
}

#[test]
fn a_huge_element_full_of_attributes_is_no_work() {
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
    let xml = format!("<LWM2M><Object{attributes}><Name>A</Name><ObjectID>1</ObjectID></Object></LWM2M>");
    assert_eq!(parse(xml.as_bytes()).unwrap().len(), 1);
    let long = format!(
        "<LWM2M><Object a='{}'><Name>A</Name><ObjectID>1</ObjectID></Object></LWM2M>",
        "y".repeat(500_000)
    );
    assert_eq!(parse(long.as_bytes()).unwrap().len(), 1);
}
