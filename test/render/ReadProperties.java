import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** Reads a JSON list of .properties files from its input, and answers the JSON list of their values at "a". */
class ReadProperties {
  public static void main(String[] args) throws Exception {
    String input = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    List<String> answers = new ArrayList<>();
    for (String file : strings(input)) {
      Properties properties = new Properties();
      properties.load(new StringReader(file));
      answers.add(quoted(properties.getProperty("a")));
    }
    System.out.write(("[" + String.join(",", answers) + "]").getBytes(StandardCharsets.US_ASCII));
    System.out.flush();
  }

  /** The strings of a JSON list of strings. */
  private static List<String> strings(String json) {
    List<String> found = new ArrayList<>();
    StringBuilder current = null;
    for (int at = 0; at < json.length(); at++) {
      char c = json.charAt(at);
      if (current == null) {
        if (c == '"') current = new StringBuilder();
      } else if (c == '"') {
        found.add(current.toString());
        current = null;
      } else if (c != '\\') {
        current.append(c);
      } else {
        char escaped = json.charAt(++at);
        if (escaped == 'u') {
          current.append((char) Integer.parseInt(json.substring(at + 1, at + 5), 16));
          at += 4;
        } else {
          int index = "nrtbf".indexOf(escaped);
          current.append(index < 0 ? escaped : "\n\r\t\b\f".charAt(index));
        }
      }
    }
    return found;
  }

  private static String quoted(String value) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : value.toCharArray()) out.append(String.format("\\u%04x", (int) c));
    return out.append('"').toString();
  }
}
