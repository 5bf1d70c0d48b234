// Asks veraPDF's library about PDFs, for tools/check_release.py: java -cp JARS tools/Verdict.java PROFILE FILE...
// Writes a line for each file: file, passes or fails, number of checks, broken rules; divided by tabs.

import java.io.FileInputStream;
import java.util.Map;
import java.util.TreeMap;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

public class Verdict {
    public static void main(String[] arguments) throws Exception {
        VeraGreenfieldFoundryProvider.initialise();
        PDFAFlavour profile = PDFAFlavour.fromString(arguments[0]);
        for (int i = 1; i < arguments.length; i++) {
            try (FileInputStream file = new FileInputStream(arguments[i]);
                    PDFAParser parser = Foundries.defaultInstance().createParser(file, profile);
                    PDFAValidator validator = Foundries.defaultInstance().createValidator(profile, false)) {
                ValidationResult result = validator.validate(parser);
                String verdict = result.isCompliant() ? "passes" : "fails";
                System.out.println(arguments[i] + "\t" + verdict + "\t" + result.getTotalAssertions() + "\t" + broken(result));
            }
        }
    }

    private static String broken(ValidationResult result) {
        Map<String, Integer> times = new TreeMap<>();
        for (TestAssertion assertion : result.getTestAssertions()) {
            if (assertion.getStatus() == TestAssertion.Status.FAILED) {
                String rule = assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber();
                times.merge((rule + " " + assertion.getMessage()).replaceAll("\\s+", " "), 1, Integer::sum);
            }
        }
        StringBuilder told = new StringBuilder();
        for (Map.Entry<String, Integer> rule : times.entrySet()) {
            told.append(told.length() == 0 ? "" : " | ").append(rule.getKey()).append(" (").append(rule.getValue()).append(")");
        }
        return told.toString();
    }
}
