package dev.lockstep.launch;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

import picocli.CommandLine;

import dev.lockstep.cli.BuiltInJob;
import dev.lockstep.cli.ForeignOptions;
import dev.lockstep.host.ExitCode;
import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;
import dev.lockstep.launch.local.SlurmAllocation;

/** What can be said about a job's options before any rank starts, which takes a second and more. */
final class JobCheck {
    private JobCheck() {}

    /**
     * Judges the options of a job that comes with Lockstep, and says what is wrong with them or what their help is.
     *
     * @return how that ends the launcher; empty when ranks may be started
     */
    static Optional<ExitCode> check(BuiltInJob job, List<String> args) {
        try {
            ForeignOptions.Translation own = ForeignOptions.translate(job.name(), job.commandLine(), args, true);
            for (String option : own.unknown()) {
                if (ForeignOptions.knows(ForeignOptions.LAUNCHER, new CommandLine(new Mpjrun()), option)) {
                    throw new UsageException(option + " is an option of the launcher and goes before the job: "
                            + "launch/mpjrun.sh " + option + " … " + job.name()
                            + (SlurmAllocation.isHeldBy(System.getenv())
                                    ? "; after generate.sbatch before a --: " + option + " -- …"
                                    : ""));
                }
            }
            Optional<String> help = job.check(own.args().toArray(String[]::new));
            own.notes().forEach(note -> System.err.println(Printable.line(job.name() + ": " + note)));
            help.map(String::stripTrailing).ifPresent(System.out::println);
            return help.map(text -> ExitCode.DONE);
        } catch (UsageException e) {
            System.err.println(Printable.line(job.name() + ": " + e.getMessage()));
            return Optional.of(ExitCode.USAGE);
        }
    }

    /** What there is to say about an option that the launcher does not have. */
    static String unknown(String word) {
        String option = word.replaceFirst("=.*", "");
        // some options are of several jobs; generate is the one that most people mean
        return BuiltInJob.all().stream().sorted(Comparator.comparing(job -> !job.name().equals("generate")))
                .filter(job -> ForeignOptions.knows(job.name(), job.commandLine(), option))
                .findFirst()
                .map(job -> option + " is an option of " + job.name() + " and goes after it: launch/mpjrun.sh "
                        + job.name() + " " + option)
                .orElse("unknown option " + option + " (-h shows all options; those of the job come after JOB)");
    }
}
