import java.nio.charset.StandardCharsets;
import java.sql.Driver;
import java.sql.DriverPropertyInfo;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Properties;
import java.util.Scanner;
import java.util.logging.Logger;

/**
 * Lets JDBC drivers read URLs, without connecting. A line of input is a driver and a URL in Base64. A line of output is
 * user, password and host in Base64, or "error".
 */
public class Readers {
  private static final Map<String, String> DRIVERS = Map.of(
      "postgres", "org.postgresql.Driver",
      "mysql", "com.mysql.cj.jdbc.Driver",
      "mariadb", "org.mariadb.jdbc.Driver",
      "jtds", "net.sourceforge.jtds.jdbc.Driver");

  public static void main(String[] arguments) {
    Scanner input = new Scanner(System.in);
    while (input.hasNextLine()) {
      String[] parts = input.nextLine().split("\t", -1);
      String url = new String(Base64.getDecoder().decode(parts[1]), StandardCharsets.UTF_8);
      try {
        Properties read = parts[0].equals("mssql") ? readMssql(url) : readInfo(DRIVERS.get(parts[0]), url);
        System.out.println(encode(read, "user") + "\t" + encode(read, "password") + "\t" + encode(read, "host"));
      } catch (Exception failure) {
        System.out.println("error");
      }
    }
  }

  /** mssql-jdbc leaves the password out of its DriverPropertyInfo. Its connect() reads the URL by this method. */
  private static Properties readMssql(String url) throws Exception {
    var parse = Class.forName("com.microsoft.sqlserver.jdbc.Util")
        .getDeclaredMethod("parseUrl", String.class, Logger.class);
    parse.setAccessible(true);
    Properties read = (Properties) parse.invoke(null, url, Logger.getAnonymousLogger());
    return copy(read.getProperty("user"), read.getProperty("password"), read.getProperty("serverName"));
  }

  private static Properties readInfo(String name, String url) throws Exception {
    Driver driver = (Driver) Class.forName(name).getDeclaredConstructor().newInstance();
    DriverPropertyInfo[] info = driver.getPropertyInfo(url, new Properties());
    return copy(valueOf(info, "user"), valueOf(info, "password"), valueOf(info, "PGHOST", "host", "SERVERNAME"));
  }

  private static String valueOf(DriverPropertyInfo[] info, String... names) {
    return Arrays.stream(info)
        .filter(one -> Arrays.stream(names).anyMatch(name -> name.equalsIgnoreCase(one.name)) && one.value != null)
        .map(one -> one.value)
        .findFirst()
        .orElse("");
  }

  private static Properties copy(String user, String password, String host) {
    Properties read = new Properties();
    read.setProperty("user", user == null ? "" : user);
    read.setProperty("password", password == null ? "" : password);
    read.setProperty("host", host == null ? "" : host);
    return read;
  }

  private static String encode(Properties read, String name) {
    return Base64.getEncoder().encodeToString(read.getProperty(name).getBytes(StandardCharsets.UTF_8));
  }
}
