"""testcloud up | down [--purge] | computes N | status | stop NAME... | start NAME..."""
import shutil
import sys

from cloud import packages, paths, plan, processes


def main(words):
    command, names = (words or ['help'])[0], words[1:]
    if command == 'up':
        packages.install()
        plan.up()
    elif command == 'down':
        processes.stop_all(plan.order())
        if '--purge' in names:
            shutil.rmtree(paths.STATE, ignore_errors=True)
    elif command == 'computes' and names and names[0].isdigit():
        plan.computes(int(names[0]))
    elif command == 'status':
        for name in plan.order():
            print('%-20s %s' % (name, 'runs' if processes.alive(name) else '-'))
    elif command == 'stop' and names:
        processes.stop(names)
    elif command == 'start' and names:
        plan.start_again(names)
    else:
        sys.exit(__doc__)


main(sys.argv[1:])
